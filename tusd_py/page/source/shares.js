// The dialog in which the owner of a file makes links for receivers, copies and revokes them.
import { SHARES } from './languages.js'
import './shares.css'

/** Seconds of the times that can be chosen, as `times` of the texts names them; a week is chosen. */
const TIMES = [3600, 86_400, 604_800, 2_592_000, 31_536_000]
const WEEK = 2
const STYLE = 'page/shares.css'

/** Opens the dialog for a file: `{ task, name, api, access, language }`. */
export async function openShares({ task, name, api, access, language }) {
  const text = SHARES[language]
  await styled()
  // A second click came while the dialog was on its way.
  if (document.querySelector('dialog.shares')) return
  const dialog = make('dialog', { className: 'shares' })
  const heading = make('h2', { id: 'shares-heading', textContent: text.heading(name) })
  dialog.setAttribute('aria-labelledby', heading.id)
  const status = make('p')
  status.setAttribute('role', 'status')
  const list = make('ul')
  const none = make('p', { textContent: text.none })
  const form = formOf(text)
  const close = make('button', { type: 'button', className: 'end', textContent: text.close })
  close.addEventListener('click', () => dialog.close())
  dialog.addEventListener('close', () => dialog.remove())
  dialog.append(heading, make('p', { textContent: text.about }), form, status, make('h3', { textContent: text.live }), none, list, close)

  function say(sentence, isWrong = false) {
    status.textContent = sentence
    status.classList.toggle('wrong', isWrong)
  }

  /** The answer of the server, null if it refused, which is said. */
  async function request(path, options = {}) {
    const answer = await fetch(api + path, { ...options, headers: access.headers() }).catch(() => null)
    if (answer?.ok) return answer
    if (answer?.status === 401) {
      // The field for a token is behind the dialog.
      dialog.close()
      access.refused()
      return null
    }
    const problem = await answer?.json().catch(() => null)
    say(text.refusals[problem?.code] ?? problem?.detail ?? text.failed, true)
    return null
  }

  function show(share) {
    const row = rowOf(share, text, language, say, async () => {
      if (!(await request(`shares/${share.id}`, { method: 'DELETE' }))) return
      const beside = row.nextElementSibling ?? row.previousElementSibling
      row.remove()
      none.hidden = list.children.length > 0
      say(text.revoked)
      ;(beside?.querySelector('.revoke') ?? close).focus()
    })
    list.prepend(row)
    none.hidden = true
    return row
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const answer = await request(`shares/${task}`, { method: 'POST', body: JSON.stringify(wanted(form)) })
    if (!answer) return
    const row = show(await answer.json())
    form.elements.password.value = ''
    say(text.made)
    row.querySelector('.copy').focus()
  })

  document.body.append(dialog)
  dialog.showModal()
  const answer = await request(`shares?task_id=${task}`)
  if (answer) for (const share of (await answer.json()).shares.reverse()) show(share)
}

function formOf(text) {
  const form = make('form')
  const expires = choice('expires', text.times.map((time, at) => [TIMES[at], time]))
  expires.selectedIndex = WEEK
  const downloads = choice('downloads', [['', text.any], ['1', text.once], ['more', text.number]])
  const most = make('input', { name: 'most', type: 'number', min: 1, max: 1_000_000, value: 5, required: true, disabled: true })
  const password = make('input', { name: 'password', type: 'text', autocomplete: 'off', maxLength: 200 })
  const number = labelled(text.most, most)
  number.hidden = true
  downloads.addEventListener('change', () => {
    most.disabled = number.hidden = downloads.value !== 'more'
    if (!most.disabled) most.focus()
  })
  form.append(labelled(text.expires, expires), labelled(text.downloads, downloads), number, labelled(text.password, password))
  form.append(make('button', { textContent: text.make }))
  return form
}

/** What the form requests, as the server wants it. */
function wanted(form) {
  const { expires, downloads, most, password } = form.elements
  const number = downloads.value === 'more' ? most.value : downloads.value
  return { expires_in: Number(expires.value), downloads: number ? Number(number) : null, password: password.value || null }
}

function rowOf(share, text, language, say, revoke) {
  const row = make('li')
  const time = new Date(share.expires_at).toLocaleString(language, { dateStyle: 'long', timeStyle: 'short' })
  const facts = [text.until(time), text.used(share.downloaded, share.downloads), ...(share.has_password ? [text.locked] : [])]
  const about = make('p', { id: `share-${share.id}`, textContent: facts.join(' · ') })
  const address = make('input', { readOnly: true, value: new URL(share.url, document.baseURI).href })
  address.setAttribute('aria-label', text.address)
  const copy = make('button', { type: 'button', className: 'copy', textContent: text.copy })
  copy.addEventListener('click', async () => say((await copied(address)) ? text.copied : text.notCopied))
  const end = make('button', { type: 'button', className: 'revoke', textContent: text.revoke })
  end.addEventListener('click', revoke)
  for (const each of [address, copy, end]) each.setAttribute('aria-describedby', about.id)
  row.append(address, copy, end, about)
  return row
}

/** Copies a field; over plain HTTP browsers have no clipboard for pages, and take what is selected. */
async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value)
    return true
  } catch {
    field.select()
    return document.execCommand('copy')
  }
}

let style = null

/** Waits until the style of the dialog is there, which the first call loads. */
const styled = () =>
  (style ??= new Promise((resolve) => {
    const link = make('link', { rel: 'stylesheet', onload: resolve, onerror: resolve })
    link.setAttribute('href', STYLE)
    document.head.append(link)
  }))

const make = (tag, members = {}) => Object.assign(document.createElement(tag), members)

function labelled(words, field) {
  const label = make('label')
  label.append(make('span', { textContent: words }), field)
  return label
}

function choice(name, options) {
  const select = make('select', { name })
  for (const [value, words] of options) select.append(new Option(words, value))
  return select
}

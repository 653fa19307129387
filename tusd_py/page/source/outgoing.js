// The files of this tab that the list does not have yet: they wait for their turn, are hashed, or begin.
import { isListed } from './list.js'
import { text } from './server.js'
import { size } from './size.js'

const SHOWN = 5
const EVERY_MS = 200
/** Time in which the list gets the row of a file that was sent in a moment. */
const LAST_MS = 2000
const place = document.querySelector('#outgoing')
const more = document.querySelector('#outgoing-more')
const files = new Map()
let timer

/** Shows that a file waits for its turn (`waits`), is `hashing`, of which a share is done, or is the upload of a task (`sending`). */
export function showOutgoing({ id, name, size: bytes }, stage, { share, task } = {}) {
  files.set(id, { name, bytes, stage, share, task })
  if (isListed(task)) show()
  else showSoon()
}

/** Forgets a file that was sent, of which the list has the row of its task, or will have it. */
export function wasSent(id, task) {
  const file = files.get(id)
  if (!file) return
  if (files.size > SHOWN) return forgetOutgoing(id)
  file.task = task
  if (isListed(task)) show()
  else setTimeout(() => forgetOutgoing(id), LAST_MS)
}

/** Forgets a file that is not sent any longer. */
export function forgetOutgoing(id) {
  if (files.delete(id)) showSoon()
}

function showSoon() {
  timer ??= setTimeout(() => {
    timer = undefined
    show()
  }, EVERY_MS)
}
// The row of the list takes the place of the one here.
new MutationObserver(() => files.size && show()).observe(document.querySelector('#tasks'), { childList: true })

function show() {
  for (const [id, file] of files) if (isListed(file.task)) files.delete(id)
  const shown = [...files].slice(0, SHOWN)
  const rows = new Map([...place.children].map((row) => [row.dataset.file, row]))
  place.replaceChildren(...shown.map(([id, file]) => rowOf(rows.get(id) ?? newRow(id), file)))
  more.textContent = files.size > SHOWN ? text.moreWait(files.size - SHOWN) : ''
}

function newRow(id) {
  const row = document.createElement('li')
  row.dataset.file = id
  row.innerHTML = '<span class="name"></span><span class="status"></span><progress max="1"></progress><span class="about"><span class="size"></span></span>'
  return row
}

function rowOf(row, { name, bytes, stage, share }) {
  const part = (selector) => row.querySelector(selector)
  part('.name').textContent = name
  part('.size').textContent = size(bytes)
  part('.status').textContent = stage === 'hashing' ? `${text.hashes} · ${Math.floor(100 * share)} %` : text[stage]
  const bar = part('progress')
  bar.hidden = stage !== 'hashing'
  bar.value = share ?? 0
  bar.setAttribute('aria-label', `${name}: ${text.hashes}`)
  return row
}

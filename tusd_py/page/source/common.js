// What all pages have: a language, a token.
import { ABOUT, chooseLanguage, chosenLanguage } from './languages.js'

export const language = chosenLanguage()

/** The texts of this deployment in the language, such as {title}; '' for what it does not have. */
export const own = Object.fromEntries(
  Object.entries(JSON.parse(document.documentElement.dataset.look ?? '{}')).map(([name, of]) => [name, of[language] || of['']]),
)

/** Puts the language's texts where the markup asks for them; the texts. */
export function speak(texts) {
  const text = { ...texts[language] }
  if (own.title) text.title = text.titleOf?.(own.title) ?? own.title
  document.documentElement.lang = ABOUT[language].tag
  document.documentElement.dir = ABOUT[language].direction
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = text[element.dataset.text]
  }
  document.title = text.title
  offerLanguages()
  return text
}

// Buttons and no list: the arrow keys of a keyboard choose in a list at once, and the page would load again (WCAG 2.2, 3.2.2).
function offerLanguages() {
  const place = document.querySelector('#languages')
  for (const [each, { name, tag }] of Object.entries(ABOUT)) {
    const button = document.createElement('button')
    button.type = 'button'
    button.lang = tag
    button.textContent = name
    button.setAttribute('aria-pressed', each === language)
    button.addEventListener('click', () => {
      chooseLanguage(each)
      // What is being sent goes on after it.
      location.reload()
    })
    place.append(button)
  }
}

/** The session token that was typed in. */
export function gate(text) {
  const entered = new EventTarget()
  let token = sessionStorage.getItem('tusd-token') ?? ''
  let good = false
  const form = document.querySelector('#gate')
  const field = form.querySelector('input')
  const heading = document.querySelector('h1')
  heading.tabIndex = -1
  // What had the focus before a token was requested.
  let before = document.body
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    token = field.value.trim()
    sessionStorage.setItem('tusd-token', token)
    form.hidden = true
    if (before === document.body || !before.isConnected) heading.focus()
    else before.focus()
    entered.dispatchEvent(new Event('token'))
  })
  const access = {
    token: () => token,
    headers: () => (token ? { Authorization: `Bearer ${token}` } : {}),
    /** Calls `then` whenever there is a new token. */
    whenEntered: (then) => entered.addEventListener('token', then),
    /** The server took the token. */
    accepted() {
      good = true
      delete form.dataset.first
    },
    /** Shows the empty field. `why`: the reason, when a token was refused. */
    ask(why = token ? text.refused : '') {
      // Not while one is being typed.
      if (!form.hidden) return
      before = document.activeElement ?? document.body
      form.hidden = false
      field.value = ''
      form.querySelector('output').textContent = why
      field.focus()
    },
    /** The server did not take the token, or there is none. */
    refused() {
      if (!token) form.dataset.first = ''
      access.ask(good ? text.expired : undefined)
      good = false
    },
    /** Waits until there is another token than the one that was `used`, or `signal` is aborted. */
    renewed: (used, signal) =>
      new Promise((resolve) => {
        if (token !== used || signal.aborted) return resolve()
        access.refused()
        entered.addEventListener('token', resolve, { once: true, signal })
        signal.addEventListener('abort', resolve, { once: true })
      }),
  }
  return access
}

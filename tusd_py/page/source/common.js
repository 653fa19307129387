// What both pages have: a language, a token, sizes.
export const language = /^zh/i.test(navigator.language) ? 'zh' : 'en'

/** Puts the language's texts where the markup asks for them; the texts. */
export function speak(texts) {
  const text = texts[language]
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = text[element.dataset.text]
  }
  document.title = text.title
  return text
}

/** The session token that was typed in. */
export function gate(text) {
  const entered = []
  let token = sessionStorage.getItem('tusd-token') ?? ''
  const form = document.querySelector('#gate')
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    token = form.querySelector('input').value.trim()
    sessionStorage.setItem('tusd-token', token)
    form.hidden = true
    for (const then of entered) then()
  })
  return {
    /** Calls `then` whenever there is a new token. */
    whenEntered: (then) => entered.push(then),
    token: () => token,
    headers: () => (token ? { Authorization: `Bearer ${token}` } : {}),
    /** `why`: the reason, when one was refused. */
    ask(why = token ? text.refused : '') {
      form.hidden = false
      form.querySelector('output').textContent = why
      form.querySelector('input').focus()
    },
  }
}

export function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let at = 0
  for (; bytes >= 1024 && at < units.length - 1; at++) bytes /= 1024
  return `${at ? bytes.toFixed(1) : bytes} ${units[at]}`
}

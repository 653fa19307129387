// The server as the page knows it: its addresses, the token for it, requests to its API.
import { gate, language, own, speak } from './common.js'
import { PAGE, SENDING } from './languages.js'

const { dataset } = document.documentElement
export const endpoint = new URL(dataset.endpoint, document.baseURI).href
export const api = new URL('api/file/upload/', document.baseURI).href
/** What the server takes: files of up to `maxSize` bytes (0: any), of these extensions (none: all). */
export const limits = { maxSize: Number(dataset.maxSize), extensions: dataset.extensions.split(' ').filter(Boolean) }
export const text = { ...SENDING[language], ...speak(PAGE) }
export const access = gate(text)

const welcome = document.querySelector('#welcome')
welcome.textContent = own.text ?? ''
welcome.hidden = !own.text

/** An answer of the API, or null. */
export async function ask(path, options = {}) {
  const response = await fetch(api + path, { ...options, headers: access.headers() }).catch(() => null)
  return response?.ok ? response.json().catch(() => null) : null
}

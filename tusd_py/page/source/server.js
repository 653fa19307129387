// The server as the page knows it: its addresses, the token for it, requests to its API.
import { gate, speak } from './common.js'
import { TEXTS } from './texts.js'

export const endpoint = new URL(document.documentElement.dataset.endpoint, document.baseURI).href
export const api = new URL('api/file/upload/', document.baseURI).href
export const text = speak(TEXTS)
export const access = gate(text)

/** An answer of the API, or null. */
export async function ask(path, options = {}) {
  const response = await fetch(api + path, { ...options, headers: access.headers() }).catch(() => null)
  return response?.ok ? response.json() : null
}

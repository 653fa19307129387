// Addresses of the renditions of a file, for elements that can send no token: by a link, which expires.
import { ask } from './server.js'

/** How long a link is valid. It is renewed this long before its end. */
export const LINK_SECONDS = 3600
const MARGIN_MS = 60_000
const links = new Map()

/** Keeps the link of a task, which was made now for `LINK_SECONDS`: the clocks of server and browser may differ. */
export function keepLink(id, { url }) {
  links.set(id, { url, end: Date.now() + LINK_SECONDS * 1000 })
}

/** The address of a rendition; without a redirect to an object store, which the page's policy would refuse. */
export const addressOf = (id, name) => `${links.get(id).url}?rendition=${name}&stream=1`

export const isOld = (id) => links.get(id).end - MARGIN_MS < Date.now()

/** Makes a new link of a task; whether there is one. */
export async function renew(id) {
  const made = await ask(`links/${id}`, { method: 'POST', body: JSON.stringify({ seconds: LINK_SECONDS }) })
  if (made) keepLink(id, made)
  return Boolean(made)
}

/** Shows a picture, with a new link if that of the address has run out; `failed` is called if there is no picture. */
export function showPicture(element, id, name, failed) {
  element.onerror = async () => {
    element.onerror = failed
    if (await renew(id)) element.src = addressOf(id, name)
    else failed()
  }
  element.src = addressOf(id, name)
}

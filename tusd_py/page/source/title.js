// The title of the tab: the share that is sent, then how many files are still on their way.
import { text } from './server.js'

let shown = document.title

export function showTitle(share, open) {
  const state = share !== null ? `${Math.floor(100 * share)} %` : open ? text.open(open) : ''
  const title = state ? `${state} · ${text.title}` : text.title
  if (title !== shown) document.title = shown = title
}

// The title of the tab: the share that is sent, then how many files are still on their way.
import { text } from './server.js'

export function showTitle(share, open) {
  const state = share !== null ? `${Math.floor(100 * share)} %` : open ? text.open(open) : ''
  document.title = state ? `${state} · ${text.title}` : text.title
}

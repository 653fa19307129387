// What is deleted elsewhere, of which there is no event: another tab says it, of other clients the number of files does.
import { endpoint } from './server.js'

const LOOK_MS = 60_000
const channel = new BroadcastChannel(`tusd-deleted ${endpoint}`)

/** Tells the other tabs that a task was deleted. */
export const tellDeleted = (id) => channel.postMessage(id)

/** Calls `gone` with each task that another tab deleted, and `look` now and then while the page is seen. */
export function followDeletions(gone, look) {
  const lookIfSeen = () => document.hidden || look()
  channel.onmessage = ({ data }) => gone(data)
  setInterval(lookIfSeen, LOOK_MS)
  document.addEventListener('visibilitychange', lookIfSeen)
}

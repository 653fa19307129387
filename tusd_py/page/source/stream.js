// The stream of events of this tab: what becomes of the files, as it happens.
import { followEvents } from './events.js'
import { reached } from './line.js'
import { readList, showEvent } from './list.js'
import { access, api } from './server.js'

const LIST_AGAIN_MS = 2000
let leave = () => {}

/** Follows the events with the present token. */
export function follow() {
  leave()
  if (window.SharedWorker) leave = followShared(access.token())
  // Without it (Chrome on Android) only tabs that are seen have a stream: on HTTP/1.1 a browser has six connections.
  else leave = document.hidden ? () => {} : followEvents(api, access.token(), heard)
}
if (!window.SharedWorker) document.addEventListener('visibilitychange', follow)

const port = window.SharedWorker && new SharedWorker(new URL('page/stream-worker.js', document.baseURI)).port
function followShared(token) {
  port.onmessage = ({ data }) => heard(data)
  port.postMessage({ api, token })
  return () => port.postMessage({})
}

function heard({ open, away, refused, task }) {
  if (task) showEvent(task)
  if (refused) access.refused()
  if (open || away || refused) document.querySelector('#offline').hidden = !away
  if (open) {
    access.accepted()
    reached()
    read()
  }
}

let reading
/** Reads the list: what ended while there was no stream is in no event. */
async function read() {
  clearTimeout(reading)
  const status = await readList()
  if (status === 401) access.refused()
  else if (status !== 200) reading = setTimeout(read, LIST_AGAIN_MS)
}

// A page that is left holds no stream; the browser may show it again.
addEventListener('pagehide', () => leave())
addEventListener('pageshow', ({ persisted }) => persisted && follow())

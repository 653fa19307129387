// The stream of events: what becomes of the files, as it happens.
import { readList, showEvent } from './list.js'
import { access, api } from './server.js'

let source
export async function follow() {
  source?.close()
  const status = await readList()
  if (status === 401) return access.ask()
  if (status !== 200) return again()
  let query = ''
  if (access.token()) {
    const made = await fetch(`${api}tickets`, { method: 'POST', headers: access.headers() }).catch(() => null)
    if (!made?.ok) return again()
    query = `?ticket=${(await made.json()).ticket}`
  }
  source = new EventSource(`${api}events${query}`)
  source.onopen = () => offline(false)
  source.onerror = () => {
    offline(true)
    // A browser gives up for good after a refusal, and its ticket is good for a minute only.
    if (access.token() || source.readyState === EventSource.CLOSED) again()
  }
  source.onmessage = ({ data }) => showEvent(JSON.parse(data))
}

let waiting
function again() {
  source?.close()
  clearTimeout(waiting)
  waiting = setTimeout(follow, 2000)
}

const offline = (is) => {
  document.querySelector('#offline').hidden = !is
}

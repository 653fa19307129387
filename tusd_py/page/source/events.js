// Follows the stream of a user's events, and opens it again after each break.
const PAUSE_MS = 2000

/**
 * Opens the stream; a function that closes it. `say` is called with `{open}` each time it is open, `{away}` each time
 * it breaks, `{refused}` if a token is needed, or another one, and `{task}` for each event.
 */
export function followEvents(api, token, say) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {}
  const request = (path, method) => fetch(api + path, { method, headers }).catch(() => null)
  const closed = new AbortController()
  let source
  let waiting

  async function open() {
    source?.close()
    clearTimeout(waiting)
    let query = ''
    if (token) {
      const ticket = await request('tickets', 'POST')
      if (closed.signal.aborted) return
      if (!ticket?.ok) return later(ticket)
      query = `?ticket=${(await ticket.json()).ticket}`
    }
    source = new EventSource(`${api}events${query}`)
    source.onopen = () => say({ open: true })
    source.onmessage = ({ data }) => say({ task: JSON.parse(data) })
    source.onerror = failed
  }

  async function failed() {
    // A browser gives up for good after a refusal, and its ticket is good for a minute only.
    if (!token && source.readyState !== EventSource.CLOSED) return say({ away: true })
    source.close()
    // An EventSource does not say by what status it was refused.
    later(token ? null : await request('tasks?size=1', 'GET'))
  }

  /** Opens the stream later; not after an answer that demands a token, or another one. */
  function later(answer) {
    if (closed.signal.aborted) return
    if (answer?.status === 401) return say({ refused: true })
    say({ away: true })
    waiting = setTimeout(open, PAUSE_MS)
  }

  addEventListener('online', open, { signal: closed.signal })
  open()
  return () => {
    closed.abort()
    clearTimeout(waiting)
    source?.close()
  }
}

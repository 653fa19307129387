// The token that a component sends with its requests: fetched when it is needed, and again when it has run out.
import { lineBack } from '../line.js'

/** Time in which a token that was fetched should be good: if it is refused earlier, the next is fetched after a pause. */
const GOOD_MS = 60_000

/** The access of `send`. `source` returns a token, a promise of one, or a function for either; null where none is needed. */
export function accessBy(source) {
  let token = ''
  let fetchedAt = -Infinity
  let tries = 0
  let renewing
  let stop
  let waiting = 0

  async function fetched() {
    const found = source()
    return (await (typeof found === 'function' ? found() : found)) ?? ''
  }

  async function renew(used, signal) {
    if (performance.now() - fetchedAt < GOOD_MS) await lineBack(tries++, signal)
    else tries = 0
    // A person who logs in again, in another tab, is found by asking again.
    while (!signal.aborted) {
      fetchedAt = performance.now()
      const found = await fetched().catch(() => null)
      if (found !== null) {
        token = found
        // Without a token it may be a cookie that is good again.
        if (found !== used || !found) return
      }
      await lineBack(tries++, signal)
    }
  }

  return {
    token: () => token,
    headers: () => (token ? { Authorization: `Bearer ${token}` } : {}),
    /** Waits for the first token. */
    ready: (signal) => (token || source() === null ? undefined : shared(token, signal)),
    /** Waits until there is another token than the one that was `used`, or `signal` is aborted. */
    renewed: (used, signal) => (token === used ? shared(used, signal) : undefined),
  }

  /** One renewal for all that wait for it; it ends when none does. */
  async function shared(used, signal) {
    waiting++
    if (!renewing) {
      stop = new AbortController()
      renewing = renew(used, stop.signal).finally(() => (renewing = undefined))
    }
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    await Promise.race([renewing, aborted])
    waiting--
    if (!waiting) stop.abort()
  }
}

/** The token in the answer of an address of one's own application: JSON with `token`, or a text. Raises: any other answer. */
export async function tokenFrom(address) {
  const answer = await fetch(address, { credentials: 'same-origin', cache: 'no-store', headers: { Accept: 'application/json' } })
  // Who is not logged in may be led to a page for it.
  if (!answer.ok || answer.redirected) throw new Error(`${address}: ${answer.status}`)
  const text = await answer.text()
  const token = answer.headers.get('Content-Type')?.startsWith('text/plain') ? text.trim() : JSON.parse(text).token
  if (!token) throw new Error(`${address}: no token`)
  return token
}

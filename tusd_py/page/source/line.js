// The line to the server: a wait that ends when it is back.
const FIRST_MS = 500
const MOST_MS = 30_000
const line = new EventTarget()

/** Ends the waits: the server was reached. */
export const reached = () => line.dispatchEvent(new Event('reached'))
addEventListener('online', reached)

/** Waits until the line may be back; without a sign of it for a while, which is longer after each of `tries`. */
export const lineBack = (tries, signal) =>
  new Promise((resolve) => {
    const ended = new AbortController()
    const end = () => {
      clearTimeout(timer)
      ended.abort()
      resolve()
    }
    const timer = setTimeout(end, Math.min(FIRST_MS * 2 ** tries, MOST_MS))
    line.addEventListener('reached', end, { signal: ended.signal })
    signal.addEventListener('abort', end, { signal: ended.signal })
    if (signal.aborted) end()
  })

// Takes turns: of this tab's files for the connections that the browser has, and of all tabs for one file.
const locks = navigator.locks
const [page] = performance.getEntriesByType('navigation')
const overHttp1 = page?.nextHopProtocol.startsWith('http/1') ?? true
/** A browser has six connections to a server on HTTP/1.1: the stream of events and all other requests need some. */
const AT_ONCE = overHttp1 ? 4 : 8

let busy = 0
const queue = []

/** Runs `then` when fewer than a number of files are being sent, by this tab or, on HTTP/1.1, by all. */
export async function inTurn(signal, then) {
  if (busy >= AT_ONCE) await new Promise((next) => queue.push(next))
  else busy++
  try {
    signal.throwIfAborted()
    return await (locks && overHttp1 ? amongTabs(signal, then) : then())
  } finally {
    if (queue.length) queue.shift()()
    else busy--
  }
}

/** Runs `then` with one of the locks that all tabs share. */
function amongTabs(signal, then) {
  const others = new AbortController()
  const stop = () => others.abort(signal.reason)
  signal.addEventListener('abort', stop)
  return new Promise((resolve, reject) => {
    let taken = false
    for (let number = 0; number < AT_ONCE; number++) {
      const one = async () => {
        // Another may have been granted at the same moment.
        if (taken) return
        taken = true
        others.abort()
        await then().then(resolve, reject)
      }
      locks.request(`tusd-sending-${number}`, { signal: others.signal }, one).catch((reason) => taken || reject(reason))
    }
  }).finally(() => signal.removeEventListener('abort', stop))
}

const nameOf = (key) => `tusd-file-${key}`

/** Runs `then` when no other tab sends the file of this key; `waits` is called if one does, and its result afterwards. */
export async function alone(key, signal, waits, then) {
  if (!locks) return then()
  let ended
  let granted = false
  const turn = locks.request(nameOf(key), { signal }, () => {
    granted = true
    ended?.()
    return then()
  })
  const { held } = await locks.query()
  if (!granted && held.some(({ name }) => name === nameOf(key))) ended = waits()
  return turn.finally(() => ended?.())
}

/** Whether another tab waits to send the file of this key. */
export async function othersWait(key) {
  return locks ? (await locks.query()).pending.some(({ name }) => name === nameOf(key)) : false
}

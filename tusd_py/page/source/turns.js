// Takes turns: of files for the connections that the browser has, and of all tabs for one file.
import { locks } from './locks.js'

const [page] = performance.getEntriesByType('navigation')
const overHttp1 = page?.nextHopProtocol.startsWith('http/1') ?? true
/** Size above which a file holds a connection for long. */
const LONG = 4 << 20
/** A browser has six connections to a server on HTTP/1.1: the stream of events and all other requests need some. */
const LONG_AT_ONCE = overHttp1 ? 3 : 8
const SHORT_AT_ONCE = 8

/**
 * Waits in `line`, a set of functions, until the one that it puts there is called. It leaves the line when the signal is
 * aborted.
 *
 * Raises: what the signal was aborted with.
 */
const wait = (line, signal) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const leave = () => {
      line.delete(begin)
      reject(signal.reason)
    }
    const begin = () => {
      line.delete(begin)
      signal.removeEventListener('abort', leave)
      resolve()
    }
    line.add(begin)
    signal.addEventListener('abort', leave)
  })

/** A queue that lets a number run at once. */
function queueOf(number) {
  let busy = 0
  const waiting = new Set()
  return async (signal, then) => {
    if (busy >= number) await wait(waiting, signal)
    else busy++
    try {
      signal.throwIfAborted()
      return await then()
    } finally {
      const [next] = waiting
      if (next) next()
      else busy--
    }
  }
}
const long = queueOf(LONG_AT_ONCE)

/** Whether a file of this size is sent by itself; all others are sent in groups. */
export const isLong = (bytes) => bytes > LONG

/** Runs `then`, which sends a long file, when fewer than a number of others are sent, in this tab and in all. */
export const inTurn = (signal, then) => long(signal, () => (overHttp1 ? amongTabs(signal, then) : then()))

/** Runs `then`, which sends the bytes of a short file, when fewer than a number of others do in this tab. */
export const inShortTurn = queueOf(SHORT_AT_ONCE)

/** The short files that are begun together. */
const GROUP = 100
let begun = 0
const notBegun = new Set()

/** Runs `then`, for all of a short file: many begin at once, so that they can be created together. */
export async function inGroup(signal, then) {
  if (!notBegun.size) queueMicrotask(beginGroup)
  await wait(notBegun, signal)
  try {
    return await then()
  } finally {
    begun--
    beginGroup()
  }
}

function beginGroup() {
  if (begun > GROUP / 2) return
  for (const begin of [...notBegun].slice(0, GROUP)) {
    begun++
    begin()
  }
}

/** Runs `then` with one of the locks that all tabs share. */
function amongTabs(signal, then) {
  const others = new AbortController()
  const stop = () => others.abort(signal.reason)
  signal.addEventListener('abort', stop)
  return new Promise((resolve, reject) => {
    let taken = false
    for (let number = 0; number < LONG_AT_ONCE; number++) {
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
  const free = await locks.request(nameOf(key), { ifAvailable: true }, async (lock) => {
    if (lock) await then()
    return lock !== null
  })
  if (free) return
  signal.throwIfAborted()
  const ended = waits()
  await locks.request(nameOf(key), { signal }, () => {
    ended()
    return then()
  }).finally(ended)
}

/** Whether another tab waits to send the file of this key. */
export const othersWait = (key) => locks.isWanted(nameOf(key))

// Says how fast files are sent, and how long it will take: by the bytes of the last seconds, hashing not counted.
import { text } from './server.js'
import { size } from './size.js'

const WINDOW_MS = 10_000
const EVERY_MS = 1000

/** Measures how fast bytes leave: `count` gets those that left. */
export function meterOf() {
  // What leaves in the first moment fills buffers: the first sample is the one after it.
  let last = performance.now()
  let samples = []
  let moved = 0
  return {
    count: (bytes) => {
      moved += Math.max(0, bytes)
    },
    /** The bytes a second of the last seconds; 0 if there are none, or none yet. */
    rate() {
      const now = performance.now()
      if (now - last >= EVERY_MS) {
        last = now
        samples = [...samples.filter(({ at }) => at >= now - WINDOW_MS), { at: now, moved }]
      }
      const [first] = samples
      const newest = samples.at(-1)
      return first === newest ? 0 : (1000 * (newest.moved - first.moved)) / (newest.at - first.at)
    },
  }
}

/** The rate and the time that `left` bytes take, in words; '' without a rate. */
export const paceOf = (rate, left) =>
  rate > 0 ? `${size(Math.round(rate))}/s · ${text.timeLeft(timeOf(left / rate))}` : ''

function timeOf(seconds) {
  const [hour, minute, second] = text.units
  if (seconds < 60) return `${Math.ceil(seconds)} ${second}`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} ${minute}` : `${Math.floor(minutes / 60)} ${hour} ${minutes % 60} ${minute}`
}

const place = document.querySelector('#pace')
let all = meterOf()
let timer

/** Counts bytes of any file that left. */
export const count = (bytes) => all.count(bytes)

/** Shows the pace of all files while `state` returns `{sent, total}` in bytes; until it returns null. */
export function showPace(state) {
  if (timer) return
  all = meterOf()
  timer = setInterval(() => {
    const now = state()
    if (!now) {
      clearInterval(timer)
      timer = undefined
    }
    place.textContent = now
      ? [text.sentOf(size(now.sent), size(now.total)), paceOf(all.rate(), now.total - now.sent)].filter(Boolean).join(' · ')
      : ''
  }, EVERY_MS)
}

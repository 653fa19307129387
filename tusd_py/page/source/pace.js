// Says how fast the files are sent, and how long it will take: by the bytes of the last seconds, hashing not counted.
import { text } from './server.js'
import { size } from './size.js'

const WINDOW_MS = 10_000
const EVERY_MS = 1000
const place = document.querySelector('#pace')
let samples = []
let moved = 0
let timer

/** Counts bytes that left. */
export const count = (bytes) => {
  moved += Math.max(0, bytes)
}

/** Shows the pace while `state` returns `{sent, total}` in bytes; until it returns null. */
export function showPace(state) {
  if (timer) return
  // What leaves in the first moment fills buffers: the first sample is the one after it.
  samples = []
  timer = setInterval(() => {
    const now = state()
    if (!now) {
      clearInterval(timer)
      timer = undefined
    } else {
      samples.push({ at: performance.now(), moved })
      samples = samples.filter(({ at }) => at >= performance.now() - WINDOW_MS)
    }
    place.textContent = now ? lineOf(now) : ''
  }, EVERY_MS)
}

function lineOf({ sent, total }) {
  const [first] = samples
  const last = samples.at(-1)
  const rate = (1000 * (last.moved - first.moved)) / (last.at - first.at || 1)
  const parts = [text.sentOf(size(sent), size(total))]
  if (rate > 0) parts.push(`${size(Math.round(rate))}/s`, text.timeLeft(timeOf((total - sent) / rate)))
  return parts.join(' · ')
}

function timeOf(seconds) {
  const [hour, minute, second] = text.units
  if (seconds < 60) return `${Math.ceil(seconds)} ${second}`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} ${minute}` : `${Math.floor(minutes / 60)} ${hour} ${minutes % 60} ${minute}`
}

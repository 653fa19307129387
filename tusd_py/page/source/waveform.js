// The waveform of a sound: a picture of its loudness, and a slider that seeks in it.
import { clock } from './clock.js'

const SVG = 'http://www.w3.org/2000/svg'
const BARS = 240
const STEP_SECONDS = 5
const PAGE_SECONDS = 30

/** The waveform of a player's sound, read from an address in the format of audiowaveform. */
export function waveform(element, address, { name, text }) {
  const slider = document.createElement('div')
  slider.className = 'waveform'
  slider.tabIndex = 0
  slider.setAttribute('role', 'slider')
  slider.setAttribute('aria-label', `${text.place} ${name}`)
  slider.setAttribute('aria-valuemin', 0)
  read(address).then((bars) => {
    if (bars.length) slider.append(drawing(bars, 'all'), drawing(bars, 'played'))
    else slider.remove()
  })

  function show() {
    const { currentTime, duration } = element
    if (!Number.isFinite(duration)) return
    slider.style.setProperty('--left', `${100 - (100 * currentTime) / duration}%`)
    slider.setAttribute('aria-valuemax', Math.round(duration))
    slider.setAttribute('aria-valuenow', Math.round(currentTime))
    slider.setAttribute('aria-valuetext', text.placeOf(clock(currentTime), clock(duration)))
  }
  for (const event of ['timeupdate', 'seeking', 'durationchange']) element.addEventListener(event, show)

  function seek(seconds) {
    if (Number.isFinite(element.duration)) element.currentTime = Math.max(0, Math.min(element.duration, seconds))
  }
  function seekTo({ clientX }) {
    const { left, width } = slider.getBoundingClientRect()
    seek((element.duration * (clientX - left)) / width)
  }
  slider.addEventListener('pointerdown', (event) => {
    slider.setPointerCapture(event.pointerId)
    seekTo(event)
  })
  slider.addEventListener('pointermove', (event) => {
    if (slider.hasPointerCapture(event.pointerId)) seekTo(event)
  })
  slider.addEventListener('keydown', (event) => {
    const { currentTime, duration } = element
    const places = {
      ArrowLeft: currentTime - STEP_SECONDS, ArrowDown: currentTime - STEP_SECONDS,
      ArrowRight: currentTime + STEP_SECONDS, ArrowUp: currentTime + STEP_SECONDS,
      PageDown: currentTime - PAGE_SECONDS, PageUp: currentTime + PAGE_SECONDS,
      Home: 0, End: duration,
    }
    if (event.key === ' ') element.paused ? element.play() : element.pause()
    else if (event.key in places) seek(places[event.key])
    else return
    event.preventDefault()
  })
  return slider
}

/** The heights of the bars, 0 to 1; none if the waveform can't be read. */
async function read(address) {
  const answer = await fetch(address).catch(() => null)
  const found = answer?.ok ? await answer.json().catch(() => null) : null
  if (!found?.length) return []
  const loudness = Array.from({ length: found.length }, (_, at) => Math.max(-found.data[2 * at], found.data[2 * at + 1]) / 2 ** (found.bits - 1))
  const count = Math.min(BARS, found.length)
  const bars = Array.from({ length: count }, (_, bar) => {
    const [from, to] = [bar, bar + 1].map((each) => Math.floor((each * found.length) / count))
    return Math.max(...loudness.slice(from, to))
  })
  // The loudest has the whole height: a quiet recording is seen too.
  const most = Math.max(...bars) || 1
  return bars.map((height) => height / most)
}

function drawing(bars, name) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('class', name)
  svg.setAttribute('aria-hidden', 'true')
  svg.setAttribute('viewBox', `0 0 ${bars.length} 2`)
  svg.setAttribute('preserveAspectRatio', 'none')
  const path = document.createElementNS(SVG, 'path')
  path.setAttribute('d', bars.map((height, at) => `M${at + 0.2} ${1 - Math.max(height, 0.02)}h.6v${2 * Math.max(height, 0.02)}h-.6z`).join(''))
  svg.append(path)
  return svg
}

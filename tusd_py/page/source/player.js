// The player of a film or a sound, by a link. A link that has run out is renewed, and the place is kept.
import { waveform } from './waveform.js'

const PLAYLIST = 'application/vnd.apple.mpegurl'

/** Only one plays at a time: the one that was begun last. */
let chosen
document.addEventListener('play', ({ target }) => choose(target), true)

function choose(element) {
  chosen = element
  // A player that is still loading does not begin by itself after this.
  for (const other of document.querySelectorAll('video, audio')) if (other !== element) other.pause()
}

/** A player. `what`: {name, main, renditions, address(name), isOld(), renew(), language, text}. */
export function player(kind, what) {
  const { name, renditions, address } = what
  const of = Object.fromEntries(renditions.map((one) => [one.name, one]))
  const element = document.createElement(kind)
  element.controls = true
  element.autoplay = true
  element.preload = 'metadata'
  element.setAttribute('aria-label', name)
  choose(element)
  if (kind === 'video' && of.poster) element.poster = address('poster')
  for (const each of renditions.filter((one) => one.name.startsWith('subtitles-'))) element.append(subtitles(each, what))
  const playsLists = of.hls && element.canPlayType(PLAYLIST)
  keepPlaying(element, playsLists ? ['hls', what.main] : [what.main], what)
  if (kind === 'video' || !of.waveform) return element
  const both = document.createElement('div')
  both.append(waveform(element, address('waveform'), what), element)
  return both
}

function subtitles({ name, facts }, { address, language }) {
  const track = document.createElement('track')
  track.kind = 'subtitles'
  track.src = address(name)
  track.label = facts.title ?? facts.language ?? name
  track.srclang = facts.language ?? language
  return track
}

/** Plays the first of `names` that the browser can play, also when the link ran out in a pause. */
function keepPlaying(element, names, { address, isOld, renew }) {
  let place = 0
  let wasFailed = false
  let isRenewing = false

  /** Loads the first name at the place; goes on playing where it `plays`. */
  function load(plays) {
    element.src = address(names[0])
    const at = place
    if (at) element.addEventListener('loadedmetadata', () => (element.currentTime = at), { once: true })
    element.autoplay = false
    if (plays) element.play().catch(() => {})
  }

  async function reload() {
    if (isRenewing) return
    isRenewing = true
    const plays = !element.paused
    element.pause()
    await renew()
    isRenewing = false
    load(plays && chosen === element)
  }

  element.addEventListener('timeupdate', () => {
    if (element.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return
    place = element.currentTime
    wasFailed = false
  })
  for (const event of ['play', 'seeking']) element.addEventListener(event, () => isOld() && reload())
  element.addEventListener('error', () => {
    // A second failure is not that of the link.
    if (wasFailed && names.length > 1) names.shift()
    else if (wasFailed) return
    wasFailed = !wasFailed
    reload()
  })
  element.src = address(names[0])
}

// Pictures of a finished file, and its player, by a link: an element of a page can send no token.
import { language } from './common.js'

const PLAYED = { video: /^video\/(mp4|webm)$/, audio: /^audio\/(mp4|aac|mpeg|ogg|flac|wav)$/ }

/** Shows what there is of a completed task below `place`; `ask` fetches from the API, `text` are the page's texts. */
export async function showMedia(place, task, ask, text) {
  const { listed } = task
  const known = ['web', 'thumbnail', 'poster', 'cover', 'waveform']
  if (!listed.renditions.some(({ name }) => known.includes(name))) return
  const link = await ask(`links/${task.task_id}`, { method: 'POST' })
  if (!link) return
  const address = (name) => `${link.url}?rendition=${name}&stream=1`
  const of = Object.fromEntries(listed.renditions.map((one) => [one.name, one]))
  const main = of[listed.main]
  const kind = Object.keys(PLAYED).find((one) => PLAYED[one].test(main.content_type))
  const still = ['thumbnail', 'cover', 'poster'].find((name) => of[name])
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'still'
  if (still) {
    const picture = new Image()
    picture.alt = ''
    picture.loading = 'lazy'
    picture.src = address(still)
    button.append(picture)
  }
  const label = document.createElement('span')
  label.textContent = kind ? text.play : text.view
  button.append(label)
  button.addEventListener('click', () => button.replaceWith(kind ? player(kind, of, address, main) : view(of, address, main)))
  place.replaceChildren(button)
}

function player(kind, of, address, main) {
  const element = document.createElement(kind)
  element.controls = true
  element.autoplay = true
  element.preload = 'metadata'
  if (kind === 'video' && of.poster) element.poster = address('poster')
  element.src = address(main.name)
  for (const name of Object.keys(of).filter((one) => one.startsWith('subtitles-'))) {
    const track = document.createElement('track')
    track.kind = 'subtitles'
    track.src = address(name)
    track.label = of[name].facts.title ?? of[name].facts.language ?? name
    track.srclang = of[name].facts.language ?? language
    element.append(track)
  }
  return element
}

function view(of, address, main) {
  const picture = new Image()
  picture.alt = ''
  const shown = ['preview', 'web', 'poster'].find((name) => of[name]) ?? main.name
  picture.src = address(shown)
  return picture
}

// The tile of a row, and what it opens: the player of a film or a sound in the row, the viewer of pictures.
import { addressOf, isOld, renew, showPicture } from './addresses.js'
import { clock } from './clock.js'
import { language } from './common.js'
import { factsInWords } from './facts.js'
import { load, sayAway } from './later.js'
import { text } from './server.js'
import { size } from './size.js'

const PLAYED = { video: /^video\/(mp4|webm)$/, audio: /^audio\/(mp4|aac|mpeg|ogg|flac|wav)$/ }
const SHOWN = /^image\/(avif|gif|jpeg|png|webp)$/

/** What can be played or viewed of a task: {kind, still, view}, the latter two names of renditions or undefined. */
function mediaOf({ status, listed }) {
  if (status !== 'completed' || !listed) return {}
  const of = new Map(listed.renditions.map((one) => [one.name, one]))
  const { content_type } = of.get(listed.main)
  // A file that could not be read has none of these.
  const { duration, audio, video_codec } = listed.facts
  const isRead = Boolean(duration || audio || video_codec)
  const kind = Object.keys(PLAYED).find((one) => isRead && PLAYED[one].test(content_type))
  const still = ['thumbnail', 'cover', 'poster'].find((name) => of.has(name))
  const view = ['preview', 'web', listed.main, 'poster', 'cover'].find((name) => SHOWN.test(of.get(name)?.content_type))
  return { kind, still, view: kind ? undefined : view }
}

export const isViewed = (task) => Boolean(mediaOf(task).view)

/** Shows the tile of a task: a still that opens it, or the extension of its name. */
export function showTile(place, task) {
  // Far from what is seen a row costs as little as it can.
  if (!task.detailed) return
  const { kind, still, view } = mediaOf(task)
  const isOpened = Boolean(kind || view)
  const key = [isOpened, kind, still, task.filename, task.listed?.file_hash].join()
  if (place.dataset.shown === key) return
  place.dataset.shown = key
  const tile = document.createElement(isOpened ? 'button' : 'span')
  if (isOpened) {
    tile.type = 'button'
    tile.dataset.opens = kind ?? 'picture'
    tile.setAttribute('aria-label', `${kind ? text.play : text.view} ${task.filename}`)
    if (kind) tile.setAttribute('aria-expanded', 'false')
  } else {
    tile.setAttribute('aria-hidden', 'true')
  }
  const label = sign('kind', task.filename?.match(/[^.]\.([a-z0-9]{1,5})$/i)?.[1].toUpperCase() ?? '')
  tile.append(label)
  if (still) tile.prepend(picture(task.task_id, still, label))
  if (kind && task.listed.facts.duration) tile.append(sign('length', clock(task.listed.facts.duration)))
  place.replaceChildren(tile)
}

/** What is written on a tile; the row has it as text. */
function sign(name, says) {
  const element = document.createElement('span')
  element.className = name
  element.dataset.says = says
  return element
}

function picture(id, still, label) {
  const element = new Image()
  element.alt = ''
  element.loading = 'lazy'
  label.hidden = true
  showPicture(element, id, still, () => {
    element.remove()
    label.hidden = false
  })
  return element
}

/** Opens what the tile of a row shows. `beside` finds the next task that is viewed: (id, step) => task. */
export async function openMedia(row, task, beside, linkTo) {
  const { kind } = mediaOf(task)
  if (kind) await play(row, task, kind)
  else {
    const viewer = await load('viewer')
    if (!viewer) return sayAway(row)
    const item = (each) => ({
      id: each.task_id,
      name: each.filename,
      facts: [size(each.listed.file_size), factsInWords(each.listed.facts)].filter(Boolean).join(' · '),
      show: (element, failed) => showPicture(element, each.task_id, mediaOf(each).view, failed),
      link: (element) => linkTo(element, each),
    })
    const found = async (id, step) => {
      const next = await beside(id, step)
      return next && item(next)
    }
    viewer.openViewer(item(task), found, text, (id) => document.querySelector(`#tasks [data-task="${id}"] .tile button`)?.focus())
  }
}

async function play(row, task, kind) {
  const place = row.querySelector('.media')
  const isOpen = place.childElementCount > 0
  const loaded = isOpen ? {} : await load('player')
  if (!loaded) return sayAway(row)
  row.querySelector('.tile button').setAttribute('aria-expanded', !isOpen)
  row.toggleAttribute('data-plays', !isOpen)
  if (isOpen) return place.replaceChildren()
  const id = task.task_id
  place.replaceChildren(
    loaded.player(kind, {
      name: task.filename,
      main: task.listed.main,
      renditions: task.listed.renditions,
      address: (name) => addressOf(id, name),
      isOld: () => isOld(id),
      renew: () => renew(id),
      language,
      text,
    }),
  )
}

// One row of the list: what becomes of a file, and what can be done to it.
import TASK_TEXTS from '../../task_texts.json'
import { language } from './common.js'
import { download } from './download.js'
import { factsInWords } from './facts.js'
import { sayAway } from './later.js'
import { showLinksButton } from './links.js'
import { showTile } from './media.js'
import { access, endpoint, text } from './server.js'
import { size } from './size.js'

const said = TASK_TEXTS[language] ?? TASK_TEXTS.en
const template = document.querySelector('template').content.firstElementChild

export function newRow(id) {
  const row = template.cloneNode(true)
  row.dataset.task = id
  return row
}

export const isEnded = (task) => ['completed', 'failed'].includes(task.status)

/** Shows a task; `how` says what this page does with it: {waits, isDue, sent, isStill, refusal}. */
export function showRow(row, task, how) {
  const name = task.filename || task.task_id
  const percent = percentOf(task, how.sent)
  const part = (selector) => row.querySelector(selector)
  row.dataset.status = task.status
  row.toggleAttribute('data-waits', how.waits || how.isDue)
  part('.name').textContent = name
  showFolder(part('.folder'), folderOf(task))
  part('.size').textContent = sizeOf(task, how.sent)
  part('.status').textContent = statusOf(task, how, percent)
  part('.facts').textContent = task.listed ? factsInWords(task.listed.facts) : ''
  part('.message').textContent = messageOf(task, how)
  part('.message').classList.toggle('refusal', Boolean(how.refusal))
  showTile(part('.tile'), task)
  part('.pick').setAttribute('aria-label', `${text.pick} ${name}`)
  const bar = part('progress')
  bar.hidden = how.isStill || how.waits || task.status === 'received' || isEnded(task)
  if (percent === null) bar.removeAttribute('value')
  else bar.value = percent
  bar.setAttribute('aria-label', `${name}: ${text[task.status]}`)
  showLink(part('.download'), text.download, name, task, task.status === 'completed' && !how.waits)
  const kept = task.listed?.main === 'web' && task.listed.renditions.some((one) => one.name === 'original')
  showLink(part('.original'), text.original, name, task, task.status === 'completed' && !how.waits && kept, 'original')
  showLinksButton(part('.share'), task, task.status === 'completed' && !how.waits && !how.isDue)
  const button = part('.remove')
  const label = how.waits ? text.undo : text[{ completed: 'remove', failed: 'remove', pending: 'cancel' }[task.status] ?? 'stop']
  button.textContent = label
  button.setAttribute('aria-label', `${label} ${name}`)
  button.setAttribute('aria-disabled', how.isDue)
}

/** The folder in which the file was sent; '' if there is none. */
const folderOf = (task) => (task.relative_path ?? '').split('/').slice(0, -1).join('/')

function showFolder(button, folder) {
  button.hidden = !folder
  button.dataset.folder = folder
  button.textContent = folder
  button.setAttribute('aria-label', text.showFolder(folder))
}

/** Makes a link the download of a task's file, or of one of its renditions. */
export function showLink(link, label, name, task, isShown, rendition) {
  link.hidden = !isShown
  if (!isShown) return
  link.textContent = label
  link.setAttribute('aria-label', `${label} ${name}`)
  link.href = `${endpoint}${task.task_id}${rendition ? `?rendition=${rendition}` : ''}`
  link.onclick = access.token() ? (event) => { event.preventDefault(); fetchFile(link, task, rendition) } : null
}

async function fetchFile(link, task, rendition) {
  if (!(await download(task.task_id, rendition))) sayAway(link)
}

/** The part of the present step that is done in percent, null where it is not known. */
function percentOf(task, sent) {
  if (task.status === 'pending') {
    const bytes = sent?.sent ?? task.offset
    const all = sent?.total ?? task.file_size
    return bytes === undefined || !all ? task.progress * 10 : Math.floor((100 * bytes) / all)
  }
  // Compressing is what the server reports as 30 to 60.
  if (task.status === 'compressing') return Math.max(0, Math.min(100, Math.round(((task.progress - 30) * 100) / 30)))
  return null
}

function statusOf(task, how, percent) {
  if (how.waits || how.isDue) return text.goes
  if (how.isStill) return text.still
  const status = how.sent && task.status === 'pending' ? text.sending : (text[task.status] ?? task.status)
  return percent === null ? status : `${status} · ${percent} %`
}

/** The size; of what arrives, with the part that is here, and of what was made smaller, with what is left. */
function sizeOf(task, sent) {
  if (task.file_size === undefined) return ''
  const bytes = sent?.sent ?? task.offset
  if (task.status === 'pending') return bytes === undefined ? size(task.file_size) : text.sentOf(size(bytes), size(task.file_size))
  const stored = task.listed?.main === 'web' && task.listed.renditions.find(({ name }) => name === 'web')
  if (task.status !== 'completed' || !stored) return size(task.file_size)
  const [before, after] = [size(task.file_size), size(stored.size)]
  if (before === after) return before
  const sizes = `${before} → ${after}`
  const less = Math.round(100 * (1 - stored.size / task.file_size))
  return less > 0 ? `${sizes}, ${text.less(less)}` : sizes
}

/** What is said beside the status: why what was clicked is not done, how an upload goes on, what the server says. */
function messageOf(task, how) {
  if (how.refusal) return how.refusal
  if (how.waits || how.isDue) return ''
  if (how.isStill) return text.resume
  if (how.sent && task.status === 'pending') return how.sent.pace
  return [serverMessageOf(task), placeOf(task)].filter(Boolean).join(' · ')
}

/** The place of a task that waits for a worker; '' for any other. */
function placeOf(task) {
  return task.queue_position === undefined ? '' : text.before(task.queue_position)
}

/** What a task says, by the stable codes of its texts. */
function serverMessageOf(task) {
  if (task.error) return said.errors[task.error_code] ?? task.error
  if (language === 'zh') {
    const message = task.message ?? ''
    // The status is beside it: of a completed file its notes are left.
    if (message.startsWith(`${text[task.status]}（`)) return message.slice(text[task.status].length + 1, -1)
    return message.replace(/\.+$/, '') === text[task.status] ? '' : message
  }
  const notes = (task.note_codes ?? []).map((code) => said.notes[code] ?? code)
  return [said.messages[task.message_code], ...notes].filter(Boolean).join('. ')
}

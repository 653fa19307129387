// What becomes of the files: a row for each task, with what can be done to it.
import TASK_TEXTS from '../../task_texts.json'
import { language, size } from './common.js'
import { showMedia } from './media.js'
import { access, api, ask, endpoint, text } from './server.js'

const said = TASK_TEXTS[language]
const list = document.querySelector('#tasks')
const rows = new Map()
function rowOf(id) {
  if (!rows.has(id)) {
    const row = document.querySelector('template').content.firstElementChild.cloneNode(true)
    row.dataset.task = id
    row.querySelector('.remove').addEventListener('click', () => remove(id))
    rows.set(id, row)
    list.prepend(row)
  }
  return rows.get(id)
}

function show(task) {
  const row = rowOf(task.task_id)
  row.dataset.status = task.status
  if (task.filename !== undefined) row.querySelector('.name').textContent = task.filename || task.task_id
  if (task.file_size !== undefined) row.querySelector('.size').textContent = size(task.file_size)
  row.querySelector('.status').textContent = text[task.status] ?? task.status
  row.querySelector('.message').textContent = [messageOf(task), placeOf(task)].filter(Boolean).join(' · ')
  const bar = row.querySelector('progress')
  bar.value = task.progress
  bar.setAttribute('aria-label', `${row.querySelector('.name').textContent}: ${text[task.status]}`)
  const link = row.querySelector('.download')
  link.hidden = task.status !== 'completed'
  link.textContent = text.download
  link.onclick = access.token() ? (event) => { event.preventDefault(); fetchFile(task.task_id) } : null
  link.href = endpoint + task.task_id
  const original = row.querySelector('.original')
  original.hidden = link.hidden || task.renditions?.[0] !== 'web' || !task.renditions.includes('original')
  original.textContent = text.original
  original.onclick = access.token() ? (event) => { event.preventDefault(); fetchFile(task.task_id, 'original') } : null
  original.href = `${endpoint}${task.task_id}?rendition=original`
  if (task.status === 'completed' && task.renditions && !row.dataset.media) {
    row.dataset.media = 'shown'
    whenSeen(row, () => showMedia(row.querySelector('.media'), task, ask, text))
  }
  const button = row.querySelector('.remove')
  button.textContent = text.remove
  button.hidden = !['completed', 'failed'].includes(task.status)
  document.querySelector('#none').hidden = rows.size > 0
}

/** The place of a task that waits for a worker; '' for any other. */
function placeOf(task) {
  return task.queue_position === undefined ? '' : text.before(task.queue_position)
}

/** What a task says beside its status, by the stable codes of its texts. */
function messageOf(task) {
  if (task.error) return said.errors[task.error_code] ?? task.error
  if (language === 'zh') return task.message === text[task.status] ? '' : (task.message ?? '')
  const notes = (task.note_codes ?? []).map((code) => said.notes[code] ?? code)
  return [said.messages[task.message_code], ...notes].filter(Boolean).join('. ')
}

/** Calls `then` once the element is near what is seen. */
function whenSeen(element, then) {
  const observer = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return
    observer.disconnect()
    then()
  }, { rootMargin: '200px' })
  observer.observe(element)
}

async function fetchFile(id, rendition) {
  // The address of a download can't carry the token: a link that expires does.
  const made = await ask(`links/${id}`, { method: 'POST' })
  if (!made) return
  const link = document.createElement('a')
  link.href = `${made.url}?download=1${rendition ? `&rendition=${rendition}` : ''}`
  link.download = ''
  link.click()
}

async function remove(id) {
  const response = await fetch(endpoint + id, {
    method: 'DELETE',
    headers: { 'Tus-Resumable': '1.0.0', ...access.headers() },
  })
  if (response.ok || [404, 410].includes(response.status)) {
    rows.get(id)?.remove()
    rows.delete(id)
    document.querySelector('#none').hidden = rows.size > 0
  }
}

const details = new Map()
async function known(id) {
  // An event has no name and no size: they are requested once.
  if (!details.has(id)) {
    details.set(id, ask(`progress/${id}`).then((found) => found ?? {}))
  }
  return details.get(id)
}

/** Shows what an event says of a task. */
export async function showEvent(task) {
  const { filename, file_size } = await known(task.task_id)
  // What was made of a file is known once it is completed.
  const { renditions } = task.status === 'completed' ? ((await ask(`progress/${task.task_id}`)) ?? {}) : {}
  show({ filename, file_size, renditions, ...task })
}

/** Reads the list and shows it; the status of the answer, 0 without one. */
export async function readList() {
  const answer = await fetch(`${api}tasks?size=50`, { headers: access.headers() }).catch(() => null)
  if (!answer?.ok) return answer?.status ?? 0
  for (const task of (await answer.json()).tasks.reverse()) {
    if (['completed', 'failed'].includes(task.status)) show({ ...(await known(task.task_id)), ...task })
  }
  return answer.status
}

// The page at /: files in, their way shown, files out.
import Uppy from '@uppy/core'
import Dashboard from '@uppy/dashboard'
import GoldenRetriever from '@uppy/golden-retriever'
import zh_CN from '@uppy/locales/lib/zh_CN.js'
import Tus from '@uppy/tus'
import '@uppy/core/css/style.min.css'
import '@uppy/dashboard/css/style.min.css'
import './page.css'
import { gate, language, size, speak } from './common.js'
import { showMedia } from './media.js'
import { TEXTS } from './texts.js'
import TASK_TEXTS from '../../task_texts.json'

const endpoint = new URL(document.documentElement.dataset.endpoint, document.baseURI).href
const api = new URL('api/file/upload/', document.baseURI).href
const text = speak(TEXTS)
const said = TASK_TEXTS[language]
const access = gate(text, follow)

// -- hashing, one file after the other

const worker = new Worker(new URL('page/hash-worker.js', document.baseURI))
const hashing = new Map()
worker.onmessage = ({ data }) => {
  const of = hashing.get(data.id)
  if (data.share !== undefined) of?.moved(data.share)
  else {
    hashing.delete(data.id)
    of?.ended(data.hash)
  }
}
const hashOf = (id, file, moved) =>
  new Promise((ended) => {
    hashing.set(id, { moved, ended })
    worker.postMessage({ id, file })
  })

// -- sending

const uppy = new Uppy({ autoProceed: true, locale: language === 'zh' ? zh_CN : undefined })
  .use(Dashboard, {
    target: '#drop',
    inline: true,
    width: '100%',
    height: 420,
    theme: 'auto',
    proudlyDisplayPoweredByUppy: false,
    showProgressDetails: true,
    note: text.note,
  })
  .use(Tus, {
    endpoint,
    headers: () => access.headers(),
    removeFingerprintOnSuccess: true,
    retryDelays: [0, 500, 1000, 2000, 3000, 5000, 5000, 10000, 10000, 10000, 20000, 30000],
  })
  .use(GoldenRetriever)

uppy.addPreProcessor(async (ids) => {
  for (const id of ids) {
    const file = uppy.getFile(id)
    if (!file?.data?.size || file.meta.filehash) continue
    const show = (value) =>
      uppy.emit('preprocess-progress', file, { mode: 'determinate', message: text.hashing, value })
    show(0)
    const hash = await hashOf(id, file.data, show)
    if (hash && uppy.getFile(id)) uppy.setFileMeta(id, { filehash: `blake3:${hash}` })
    uppy.emit('preprocess-complete', file)
  }
})

uppy.on('upload-error', (file, error) => {
  // The server says why in a sentence; Uppy would show the request.
  try {
    const { detail } = JSON.parse(error.originalResponse.getBody())
    uppy.setFileState(file.id, { error: detail })
    uppy.info(detail, 'error', 10_000)
  } catch {
    // It never reached the server: Uppy's own words are right.
  }
})

// -- what becomes of them

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

/** An answer of the API, or null. */
async function ask(path, options = {}) {
  const response = await fetch(api + path, { ...options, headers: access.headers() }).catch(() => null)
  return response?.ok ? response.json() : null
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

let source
async function follow() {
  source?.close()
  const first = await fetch(`${api}tasks?size=50`, { headers: access.headers() }).catch(() => null)
  if (first?.status === 401) return access.ask()
  if (!first?.ok) return again()
  for (const task of (await first.json()).tasks.reverse()) {
    if (['completed', 'failed'].includes(task.status)) show({ ...(await known(task.task_id)), ...task })
  }
  let query = ''
  if (access.token()) {
    const made = await fetch(`${api}tickets`, { method: 'POST', headers: access.headers() }).catch(() => null)
    if (!made?.ok) return again()
    query = `?ticket=${(await made.json()).ticket}`
  }
  source = new EventSource(`${api}events${query}`)
  source.onopen = () => offline(false)
  source.onerror = () => {
    offline(true)
    // A browser gives up for good after a refusal, and its ticket is good for a minute only.
    if (access.token() || source.readyState === EventSource.CLOSED) again()
  }
  source.onmessage = async ({ data }) => {
    const task = JSON.parse(data)
    const { filename, file_size } = await known(task.task_id)
    // What was made of a file is known once it is completed.
    const { renditions } = task.status === 'completed' ? ((await ask(`progress/${task.task_id}`)) ?? {}) : {}
    show({ filename, file_size, renditions, ...task })
  }
}

let waiting
function again() {
  source?.close()
  clearTimeout(waiting)
  waiting = setTimeout(follow, 2000)
}

const offline = (is) => {
  document.querySelector('#offline').hidden = !is
}

follow()

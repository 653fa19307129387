// Sends files: Uppy shows them, their hash is made, then they are sent.
import Uppy from '@uppy/core'
import Dashboard from '@uppy/dashboard'
import zh_CN from '@uppy/locales/lib/zh_CN.js'
import { language } from './common.js'
import { creationsAt } from './creations.js'
import { deliver, forgetUpload, keyOf } from './delivery.js'
import { takeFolders, withPlace } from './folders.js'
import { forget, readAgain } from './handles.js'
import { hashingBy } from './hashing.js'
import { Deleted, Refused } from './refusals.js'
import { forgetOutgoing, showOutgoing, wasSent } from './outgoing.js'
import { count, meterOf, paceOf, showPace } from './pace.js'
import { keepFiles } from './restoring.js'
import { access, api, endpoint, limits, text } from './server.js'
import { size } from './size.js'
import { Store } from './store.js'
import { isLong } from './turns.js'
import { sayWhy } from './waits.js'

const SAID_MS = 10_000
/** Time for which the page may stand still while files are added. */
const ADDING_MS = 40
const hashOf = hashingBy(new Worker(new URL('page/hash-worker.js', document.baseURI)))
const server = { endpoint, access, text, hashOf, creations: creationsAt({ api, endpoint, access }) }

const isTouched = matchMedia('(pointer: coarse)').matches

export const uppy = new Uppy({
  store: new Store(),
  locale: { strings: { ...(language === 'zh' ? zh_CN.strings : {}), ...text.tray(isTouched) } },
  restrictions: { allowedFileTypes: limits.extensions.length ? limits.extensions.map((each) => `.${each}`) : null },
  onBeforeFileAdded: (file, files) => {
    const why = unfit(file)
    if (why) complain(file.name, why)
    // One that was taken away may still come to its end: `start` waits for it.
    if (why || (files[file.id] && running.has(file.id))) return false
    // The time is known after a reload too, when the page has the file's name only.
    return { ...file, meta: { ...withPlace(file.meta), lastModified: file.data.lastModified } }
  },
}).use(Dashboard, {
  target: '#drop',
  inline: true,
  width: '100%',
  height: 340,
  theme: 'auto',
  proudlyDisplayPoweredByUppy: false,
  hideUploadButton: true,
  hideProgressDetails: true,
  fileManagerSelectionType: isTouched ? 'files' : 'both',
  note: [...takenHere(), text.note].join(' '),
})

// Thousands of files are added a part at a time, so that the page does not stand still: the more files there are,
// the longer each takes.
const addTogether = uppy.addFiles.bind(uppy)
uppy.addFiles = async (files) => {
  let part = 10
  for (let at = 0; at < files.length; ) {
    const begin = performance.now()
    addTogether(files.slice(at, at + part))
    at += part
    const ratio = ADDING_MS / Math.max(1, performance.now() - begin)
    part = Math.max(1, Math.round(part * Math.min(2, ratio)))
    await new Promise((next) => setTimeout(next))
  }
}
takeFolders(uppy, (files) => {
  document.querySelector('#left-out').textContent = files ? text.hiddenLeftOut(files) : ''
})

/** What may be sent here, in sentences. */
function takenHere() {
  const sentences = []
  if (limits.maxSize) sentences.push(text.upTo(size(limits.maxSize)))
  if (limits.extensions.length) sentences.push(text.types(limits.extensions.join(', ')))
  return sentences
}

/** Why a file need not be sent at all, undefined if it may be. */
function unfit({ extension, size: bytes }) {
  if (limits.maxSize && bytes > limits.maxSize) return text.refusals.max_size_exceeded(size(limits.maxSize))
  if (limits.extensions.length && !limits.extensions.includes(extension.toLowerCase())) {
    return text.notAllowed(limits.extensions.join(', '))
  }
  return undefined
}

const complaints = new Map()
/** Shows why a file is not taken; one message for all files of one reason. */
function complain(name, why) {
  if (!complaints.size) {
    queueMicrotask(() => {
      for (const [reason, names] of complaints) uppy.info(`${names.join(', ')}: ${reason}`, 'error', SAID_MS)
      complaints.clear()
    })
  }
  complaints.set(why, [...(complaints.get(why) ?? []), name])
}

// -- one file

const running = new Map()
/** The addresses of the uploads that this tab has sent something of. */
const addresses = new Map()
export const addressOf = (id) => addresses.get(id)

/** Sends a file, after the end of what was stopped before. */
async function start(id) {
  await running.get(id)?.ended
  if (running.has(id)) return
  const stop = new AbortController()
  running.set(id, { stop, ended: run(id, stop.signal).finally(() => running.delete(id)) })
  showPace(sums)
}

/** Bytes of the files that were sent, are, and will be; null if none is left to send. */
function sums() {
  if (!running.size) return null
  const files = uppy.getFiles().filter(({ id, progress }) => running.has(id) || progress.uploadComplete)
  const sum = (of) => files.reduce((total, file) => total + of(file), 0)
  return { sent: sum(({ progress }) => progress.bytesUploaded || 0), total: sum((file) => file.size) }
}

async function run(id, signal) {
  const file = uppy.getFile(id)
  // Of a large file a reload leaves the name only, until it is chosen again.
  if (!file?.data || file.isPaused) return
  showOutgoing(file, 'waits')
  showStart(id)
  try {
    const url = await deliver(file.data, server, uploadOf(file), signal)
    forget(identityOf(file))
    wasSent(id, url.split('/').at(-1))
    hashes.delete(id)
    uppy.emit('upload-success', uppy.getFile(id), { uploadURL: url, status: 200 })
  } catch (error) {
    forgetOutgoing(id)
    if (signal.aborted || !uppy.getFile(id)) return
    if (error instanceof Deleted) return uppy.removeFile(id)
    if (!(error instanceof Refused)) console.error(error)
    fail(id, error)
  }
}

/** The hashes that are known of files that are not sent yet. */
const hashes = new Map()

/** A file as an upload: what becomes of it is shown. */
function uploadOf(file) {
  const { id, name, size: total } = file
  const meter = meterOf()
  let shown = 0
  return {
    key: keyOfFile(file),
    hash: hashes.get(id),
    metadata: (hash) => metadataOf(file, hash),
    hashing: (share) => showOutgoing(file, 'hashing', { share }),
    hashed(hash) {
      hashes.set(id, hash)
      showOutgoing(file, 'waits')
    },
    starts: (url) => addresses.set(id, url),
    begun(url) {
      // It may have been taken away meanwhile.
      if (!uppy.getFile(id)) return withdraw(file, url)
      addresses.set(id, url)
      showOutgoing(file, 'sending', { task: url.split('/').at(-1) })
    },
    moved(sent, since) {
      const bytes = sent - Math.max(shown, since)
      count(bytes)
      meter.count(bytes)
      shown = sent
      uppy.emit('bytes-moved', file, { sent, total, pace: paceOf(meter.rate(), total - sent) })
      // Of a short file that leaves at once the tray shows the end only: each change copies the state of all files.
      if (isLong(total) || (sent > 0 && sent < total)) {
        uppy.emit('upload-progress', uppy.getFile(id), { bytesUploaded: sent, bytesTotal: total })
      }
    },
    waits(reason) {
      uppy.emit('bytes-wait', file, reason)
      return sayWhy(name, reason)
    },
    smaller: (bytes) => uppy.info(text.smaller(size(bytes)), 'info', SAID_MS),
  }
}

const starting = []
/** Shows in the tray that a file is on its way, together with those that were chosen with it. */
function showStart(id) {
  starting.push(id)
  if (starting.length > 1) return
  queueMicrotask(() => {
    const files = starting.splice(0).map((each) => uppy.getFile(each))
    uppy.emit('upload-start', files.filter(Boolean))
  })
}

function fail(id, { message, final }) {
  const file = uppy.getFile(id)
  complain(file.name, message)
  if (final) forgetUpload(keyOfFile(file))
  // It may be the hash that was wrong.
  hashes.delete(id)
  uppy.setFileState(id, { error: message })
  uppy.setState({ error: message })
  uppy.emit('gave-up', file)
}

const keyOfFile = ({ name, type, size: bytes, meta: { relativePath, lastModified } }) =>
  keyOf(endpoint, { relativePath: relativePath ?? '', name, type, size: bytes, lastModified })
/** What a file is known by outside of this page. */
const identityOf = ({ name, size: bytes, meta }) => ({ name, size: bytes, lastModified: meta.lastModified })

/** The metadata under the names that the server knows, besides those of Uppy. */
function metadataOf({ meta }, hash) {
  const known = Object.entries(meta).filter(([, value]) => value != null)
  return { ...Object.fromEntries(known), filename: meta.name, filetype: meta.type, ...(hash && { filehash: `blake3:${hash}` }) }
}

// -- what a person does with them

const paused = new Set()
function pause(id) {
  if (!running.has(id)) return
  paused.add(id)
  running.get(id).stop.abort()
}
function goOn(id) {
  if (paused.delete(id)) start(id)
}

uppy.setState({ capabilities: { ...uppy.getState().capabilities, resumableUploads: true } })
uppy.on('files-added', (files) => files.forEach(({ id }) => start(id)))
// A file that was refused is sent again only when a person says so.
uppy.on('upload-retry', ({ id }) => start(id))
uppy.on('retry-all', (files) => files.forEach(({ id }) => start(id)))
uppy.on('upload-pause', ({ id }, isPaused) => (isPaused ? pause(id) : goOn(id)))
uppy.on('pause-all', () => [...running.keys()].forEach(pause))
uppy.on('resume-all', () => [...paused].forEach(goOn))
uppy.on('file-removed', (file) => {
  running.get(file.id)?.stop.abort()
  paused.delete(file.id)
  forget(identityOf(file))
  hashes.delete(file.id)
  const url = addresses.get(file.id)
  addresses.delete(file.id)
  if (url && !file.progress.uploadComplete) withdraw(file, url)
})
/** Removes the upload of a file that is not wanted any longer. */
function withdraw(file, url) {
  forgetUpload(keyOfFile(file))
  const headers = { 'Tus-Resumable': '1.0.0', ...access.headers() }
  fetch(url, { method: 'DELETE', headers, keepalive: true }).catch(() => {})
}

// -- what was being sent before a reload

uppy.on('restored', (ids) => {
  // Nothing has to be confirmed: what can go on does.
  for (const file of ids.map((id) => uppy.getFile(id))) {
    if (file.isPaused) paused.add(file.id)
    if (file.isGhost) findAgain(file)
    else if (!file.error) start(file.id)
  }
})
async function findAgain(file) {
  const { name, type, meta } = file
  // A file of a folder was not dropped by itself: another one may have its name, size and time.
  const data = meta.relativePath ? null : await readAgain(identityOf(file))
  if (data) return uppy.addFile({ name, type, data, meta })
  const end = sayWhy(name, text.chooseAgain)
  const ended = ({ id }) => id === file.id && end()
  uppy.on('file-removed', ended)
  uppy.on('file-added', ended)
}
keepFiles(uppy)

addEventListener('beforeunload', (event) => {
  if (running.size) event.preventDefault()
})

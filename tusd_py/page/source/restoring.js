// Keeps what a tab was sending beyond a reload: the bytes of small files, the names of large ones.
import { deleteSoon, stored } from './database.js'
import { ownerOf } from './owner.js'
import { placeOfTab } from './places.js'
import { access } from './server.js'

const DAY_MS = 24 * 3600 * 1000
/** The size above which only the name of a file is kept, and that of all that is kept of a tab. */
const MOST_BYTES = 10 << 20
const MOST_BYTES_OF_TAB = 300 << 20
/** Files that one transaction keeps: the page stands still while they are prepared. */
const AT_ONCE = 50

/** Keeps the files of an Uppy, and restores those of the same user that the tab had before. */
export function keepFiles(uppy) {
  let place
  let owner = ownerOf(access.token())
  const keyOf = (id) => `${place}|${id}`
  /** The files that are kept, with the bytes that are kept of each. */
  const kept = new Map()
  let bytes = 0
  const queued = []
  let working = placeOfTab().then((found) => {
    place = found
    return restore()
  })

  access.whenEntered((event) => {
    const entered = ownerOf(access.token())
    if (!entered || entered === owner) return
    if (owner && uppy.getFiles().some(isOpen)) {
      // What is on its way for another user must not be sent with this token: it stays for that user.
      event.stopImmediatePropagation()
      return location.reload()
    }
    owner = entered
    working = working.then(restore)
  })

  async function restore() {
    const entries = (await stored('files', 'readonly', (store) => store.getAll())) ?? []
    const oldest = Date.now() - DAY_MS
    for (const entry of entries) if (entry.at < oldest) deleteSoon('files', `${entry.place}|${entry.file.id}`)
    const files = {}
    for (const { file, data, ...entry } of entries) {
      if (entry.place !== place || (entry.owner ?? '') !== owner || entry.at < oldest || uppy.getFile(file.id)) continue
      const progress = { percentage: 0, bytesUploaded: 0, bytesTotal: file.size, uploadComplete: false, uploadStarted: null }
      files[file.id] = { ...file, progress, isRestored: true, isGhost: !data, data: data ?? undefined }
      account(file.id, data?.size ?? 0)
    }
    const ids = Object.keys(files)
    if (!ids.length) return
    uppy.setState({ files: { ...files, ...uppy.getState().files } })
    uppy.emit('restored', ids)
  }

  function account(id, size) {
    bytes += size - (kept.get(id) ?? 0)
    kept.set(id, size)
  }

  /** Keeps files as they are now; one that was sent meanwhile needs it no longer. */
  function keep(ids) {
    queued.push(...ids)
    working = working.then(async () => {
      while (queued.length) await put(queued.splice(0, AT_ONCE).map((id) => uppy.getFile(id)).filter(isOpen))
    })
  }
  const put = (files) =>
    stored('files', 'readwrite', (store) => {
      for (const { data, preview, progress, ...file } of files) {
        const isWhole = data && data.size <= MOST_BYTES && bytes - (kept.get(file.id) ?? 0) + data.size <= MOST_BYTES_OF_TAB
        account(file.id, isWhole ? data.size : 0)
        store.put({ place, owner, at: Date.now(), file, data: isWhole ? data : null }, keyOf(file.id))
      }
    })
  const forget = ({ id }) => {
    working = working.then(() => {
      if (!kept.has(id)) return
      account(id, 0)
      kept.delete(id)
      deleteSoon('files', keyOf(id))
    })
  }

  const keepOne = ({ id }) => keep([id])
  const keepAll = () => keep(uppy.getFiles().filter(isOpen).map(({ id }) => id))
  uppy.on('files-added', (files) => keep(files.map(({ id }) => id)))
  for (const event of ['upload-pause', 'upload-retry', 'gave-up']) uppy.on(event, keepOne)
  for (const event of ['pause-all', 'resume-all', 'retry-all']) uppy.on(event, keepAll)
  for (const event of ['upload-success', 'file-removed']) uppy.on(event, forget)
}

const isOpen = (file) => file && !file.progress.uploadComplete

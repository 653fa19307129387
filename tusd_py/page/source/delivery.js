// Delivers one file: in its turn, by one tab only, and hashed, so that a file that the server has already is not sent.
import { send } from './tus.js'
import { alone, inGroup, inShortTurn, inTurn, isLong, othersWait } from './turns.js'

/** Size above which a file is hashed while it is sent. */
const LARGE = 64 << 20

/** Where the address of a file's upload is kept: the same file has the same key in every tab. */
export const keyOf = (endpoint, { relativePath = '', name, type, size, lastModified }) =>
  ['tusd-upload', endpoint, relativePath, name, type, size, lastModified].join('|')

// A page in a frame may have no storage; an upload then begins again after a reload.
const stored = (work) => {
  try {
    return work(localStorage)
  } catch {
    return null
  }
}
const addressIn = (key) => stored((storage) => storage.getItem(key))
const keep = (key, url) => stored((storage) => storage.setItem(key, url))
/** Forgets the upload of a file: the next one of it is new. */
export const forgetUpload = (key) => stored((storage) => storage.removeItem(key))

/**
 * Delivers `blob`; its address. `server` is as for `send`, and has `hashOf(blob, moved)`, and may have
 * `creations` (creations.js).
 * `upload` has `key`, under which its address is kept, `hash` if it is known, and functions: `hashing(share)`,
 * `hashed(hash)`, `metadata(hash)`, `starts(url)`, which gets the address where the upload was begun before, and `begun`,
 * `moved`, `waits`, `smaller` as for `send`.
 *
 * Raises: what `send` raises.
 */
export const deliver = (blob, server, upload, signal) =>
  isLong(blob.size) ? deliverLong(blob, server, upload, signal) : inGroup(signal, () => deliverShort(blob, server, upload, signal))

async function deliverLong(blob, server, upload, signal) {
  let url
  const waits = () => upload.waits(server.text.waitsForTab)
  const how = { create: () => null, inTurn: (then) => then() }
  await alone(upload.key, signal, waits, () =>
    inTurn(signal, async () => {
      url = await hashAndSend(blob, server, { ...upload, ...how }, signal)
    }),
  )
  return url
}

/** Delivers a file whose bytes are few: its upload is created together with those of others. */
async function deliverShort(blob, server, upload, signal) {
  let url
  const requested = server.creations?.expectOne() ?? (() => {})
  const waits = () => {
    requested()
    return upload.waits(server.text.waitsForTab)
  }
  const how = {
    create(length, metadata) {
      const created = server.creations?.create(length, metadata, () => waitsForLine(server, upload, signal))
      requested()
      return created
    },
    inTurn(then) {
      requested()
      return inShortTurn(signal, then)
    },
  }
  try {
    await alone(upload.key, signal, waits, async () => {
      signal.throwIfAborted()
      url = await hashAndSend(blob, server, { ...upload, ...how }, signal)
    })
  } finally {
    requested()
  }
  return url
}

async function hashAndSend(blob, server, upload, signal) {
  const { key } = upload
  const begun = addressIn(key)
  let { hash } = upload
  let late = null
  // An upload that was begun needs none.
  if (!begun && !hash && blob.size) {
    if (blob.size <= LARGE) {
      upload.hashing(0)
      hash = await server.hashOf(blob, upload.hashing)
      upload.hashed(hash)
    } else {
      late = { hash: null }
      server.hashOf(blob, () => {}).then((found) => (late = found ? { hash: found } : null))
    }
  }
  signal.throwIfAborted()
  upload.starts(begun)
  const url = await send(blob, server, {
    ...upload,
    url: begun,
    metadata: upload.metadata(hash),
    late: () => late,
    begun: (at) => {
      keep(key, at)
      upload.begun(at)
    },
  }, signal)
  // Another tab that waits for this file finds by it that all has arrived.
  if (!(await othersWait(key))) forgetUpload(key)
  return url
}

/** Says that a file waits for the line, until the function that it returns is called or it is not wanted any longer. */
function waitsForLine(server, upload, signal) {
  const end = upload.waits(server.text.waitsForLine)
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  return end
}

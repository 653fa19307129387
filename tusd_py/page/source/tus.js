// Sends one file by tus 1.0. A break, a token that has run out, or a proxy's limit does not end it: the upload goes
// on at the offset that the server has.
import { lineBack } from './line.js'
import { Deleted, problemOf, Refused, refusedBy, sentenceOf } from './refusals.js'

const LEAST_CHUNK = 64 << 10
/** Silence after which a request is given up: a line can be dead without being closed. */
export const SILENT_MS = 60_000
/** Failures in a row without a byte that arrived, after which chunks become smaller. */
const PATIENCE = 3
/** The largest body that something before the server lets pass, as far as is known: a proxy announces no limit. */
let most = Infinity
/** The largest body while the hash is not known yet, which the next request can declare. */
const BEFORE_HASH = 16 << 20
/** The largest body that is sent now. */
let chunk = Infinity

function request(method, url, headers, { body = null, moved, signal }) {
  return new Promise((resolve) => {
    const answer = new XMLHttpRequest()
    answer.open(method, url)
    for (const [name, value] of Object.entries(headers)) answer.setRequestHeader(name, value)
    const abort = () => answer.abort()
    let silence = setTimeout(abort, SILENT_MS)
    answer.upload.onprogress = ({ loaded, total }) => {
      clearTimeout(silence)
      // After the last byte the server, or a proxy that passes all of it on, may be busy for long.
      if (loaded < total) silence = setTimeout(abort, SILENT_MS)
      moved?.(loaded)
    }
    signal.addEventListener('abort', abort)
    answer.onloadend = () => {
      clearTimeout(silence)
      signal.removeEventListener('abort', abort)
      resolve(answer)
    }
    answer.send(body)
  })
}

const encoded = (value) => btoa(String.fromCodePoint(...new TextEncoder().encode(value)))
const base64OfHex = (hex) => btoa(String.fromCharCode(...hex.match(/../g).map((byte) => parseInt(byte, 16))))
const metadataHeader = (metadata) =>
  Object.entries(metadata).map(([key, value]) => `${key} ${encoded(String(value))}`).join()

/** Whether an answer, or none, says nothing about the upload itself: the same request may be right later. */
const passes = ({ status }) => status === 0 || status === 401 || status === 423 || status === 429 || status >= 500

/** Makes chunks half as large as a body of `bytes` that failed. */
const shrink = (bytes) => {
  chunk = Math.max(LEAST_CHUNK, Math.ceil(bytes / 2))
}

/**
 * Sends `blob`; its address. `server` has `endpoint`, the `text` of a language, and `access`, the token for it:
 * `token()`, `headers()`, `renewed(used, signal)`. `upload` has `url`, where it was begun before, `metadata`, and
 * functions: `begun(url)`, `moved(bytes, since)`, `waits(reason)`, which returns a function for the end of a wait,
 * `smaller(bytes)`, `late()`, which returns the `{hash}` that is declared after the creation, null where there is none,
 * `create(length, metadata)`, which may create it in another way than by tus, and `inTurn(then)`, which runs what sends
 * bytes.
 *
 * Raises: Refused, Deleted, what the signal was aborted with.
 */
export async function send(blob, server, upload, signal) {
  const { endpoint, access, text } = server
  let { url } = upload
  // It is good for this upload for as long as the upload lasts, longer than the user's token.
  let token = null

  const wait = async (reason, end) => {
    const ended = upload.waits(reason)
    await end
    ended()
    signal.throwIfAborted()
  }

  /** Ends what is said of the wait for an answer; null while nothing is. */
  let waiting = null
  function endWait() {
    waiting?.()
    waiting = null
  }

  async function ask(method, address, headers = {}, more = {}) {
    signal.throwIfAborted()
    const used = access.token()
    const authentication = token ? { 'Upload-Token': token } : access.headers()
    const answer = await request(method, address, { 'Tus-Resumable': '1.0.0', ...authentication, ...headers }, { ...more, signal })
    signal.throwIfAborted()
    if (answer.status !== 401) token = answer.getResponseHeader('Upload-Token') ?? token
    else if (token) token = null
    else {
      endWait()
      await wait(text.waitsForToken, access.renewed(used, signal))
    }
    return answer
  }

  /** Asks until the answer is one about the upload. */
  async function settled(...question) {
    try {
      for (let tries = 0; ; tries++) {
        const answer = await ask(...question)
        if (!passes(answer)) return answer
        if (answer.status === 401) continue
        waiting ??= upload.waits(reasonOf(answer, text))
        await lineBack(tries, signal)
      }
    } finally {
      endWait()
    }
  }

  async function create() {
    const metadata = metadataHeader(upload.metadata)
    const created = (await upload.create(blob.size, metadata)) ?? (await createAlone(metadata))
    ;({ url, token } = created)
    upload.begun(url)
    signal.throwIfAborted()
    return created.offset
  }

  async function createAlone(metadata) {
    token = null
    const answer = await settled('POST', endpoint, { 'Upload-Length': blob.size, 'Upload-Metadata': metadata })
    if (answer.status !== 201) throw refusedBy(answer, text)
    // Behind proxies a server may not know its own scheme or host: the page does.
    const { pathname } = new URL(answer.getResponseHeader('Location'), endpoint)
    return { url: new URL(pathname, endpoint).href, token, offset: Number(answer.getResponseHeader('Upload-Offset') ?? 0) }
  }

  /** The offset that the server has; 0 of a new upload if the old one has expired or can't be used. */
  async function standing() {
    const answer = await settled('HEAD', url)
    if (answer.status === 200) return Number(answer.getResponseHeader('Upload-Offset'))
    // The answer to HEAD has no body, which says why.
    if (offset !== undefined && answer.status === 410 && problemOf(await settled('GET', url))?.code === 'upload_terminated') throw new Deleted()
    return create()
  }

  let offset
  offset = await (url ? standing() : create())
  if (offset < blob.size) await upload.inTurn(deliver)
  return url

  async function deliver() {
    let failures = 0
    let declared = false
    while (offset < blob.size) {
      const from = offset
      const late = upload.late()
      // By its hash the file may be there already: it is declared without bytes.
      const declares = late?.hash && !declared
      const bytes = declares ? 0 : late && !late.hash ? Math.min(chunk, BEFORE_HASH) : chunk
      const body = blob.slice(from, from + bytes)
      const headers = { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': from }
      if (declares) headers['Upload-Hash'] = `blake3=:${base64OfHex(late.hash)}:`
      upload.moved(from, from)
      const answer = await ask('PATCH', url, headers, { body, moved: (bytes) => upload.moved(from + bytes, from) })
      if (answer.status === 204) {
        offset = Number(answer.getResponseHeader('Upload-Offset'))
        failures = 0
        declared ||= declares
        chunk = Math.min(2 * chunk, most)
        continue
      }
      if (answer.status === 413 && !problemOf(answer)) {
        if (body.size <= LEAST_CHUNK) throw refusedBy(answer, text)
        shrink(body.size)
        most = chunk
        upload.smaller(most)
      } else if (!passes(answer) && ![404, 409, 410].includes(answer.status)) {
        throw refusedBy(answer, text)
      }
      // A file that was changed or removed can't be read: this is not the line's fault.
      await blob.slice(from, from + 1).arrayBuffer().catch(() => {
        throw new Refused(text.unreadable, false)
      })
      offset = await standing()
      failures = offset > from ? 0 : failures + 1
      if (failures && passes(answer) && answer.status !== 401) await wait(reasonOf(answer, text), lineBack(failures, signal))
      if (failures >= PATIENCE) shrink(body.size)
    }
  }
}

function reasonOf(answer, text) {
  return problemOf(answer) && answer.status !== 423 ? sentenceOf(answer, text) : text.waitsForLine
}

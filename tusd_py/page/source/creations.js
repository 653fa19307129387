// Creates the uploads of many small files by one request.
import { lineBack } from './line.js'
import { problemOf } from './refusals.js'
import { SILENT_MS } from './tus.js'

/** The number of uploads that one request may create. */
const MOST = 100

/** What creates uploads at the server with this `api`, whose uploads are below `endpoint`, with the token of `access`. */
export function creationsAt({ api, endpoint, access }) {
  /** Files whose uploads will be requested soon: a request waits for them. */
  let expected = 0
  const pending = []

  function send() {
    if (!pending.length || (expected && pending.length < MOST)) return
    const batch = pending.splice(0, MOST)
    request(batch).then((answers) => batch.forEach(({ resolve }, place) => resolve(createdOf(answers[place]))))
    send()
  }

  /** What became of the uploads of a batch, in its order; an empty list if it was refused as a whole. */
  async function request(batch) {
    const body = JSON.stringify({ uploads: batch.map(({ length, metadata }) => ({ length, metadata, key: randomKey() })) })
    let ended = []
    for (let tries = 0; ; tries++) {
      const answers = answersIn(await ask(body))
      if (answers) {
        ended.forEach((end) => end())
        return answers
      }
      if (!tries) ended = batch.map(({ waits }) => waits())
      await lineBack(tries, new AbortController().signal)
    }
  }

  async function ask(body) {
    const headers = { 'Content-Type': 'application/json', ...access.headers() }
    const silence = new AbortController()
    const timer = setTimeout(() => silence.abort(), SILENT_MS)
    try {
      const answer = await fetch(`${api}creations`, { method: 'POST', headers, body, signal: silence.signal })
      return { status: answer.status, responseText: await answer.text() }
    } catch {
      return { status: 0, responseText: '' }
    } finally {
      clearTimeout(timer)
    }
  }

  const createdOf = (answer) =>
    answer?.task_id ? { url: endpoint + answer.task_id, offset: answer.offset, token: answer.upload_token ?? null } : null

  return {
    /** Announces a file whose upload will be requested; a function that says that it was, or will not be. */
    expectOne() {
      let isOpen = true
      expected++
      return () => {
        if (!isOpen) return
        isOpen = false
        expected--
        send()
      }
    },
    /**
     * Creates an upload together with others: {url, offset, token}; null if it was not created, for any reason. The
     * answer to a creation of its own then says why. `waits()`, which returns a function for the end, is called if there
     * is no line.
     */
    create: (length, metadata, waits) =>
      new Promise((resolve) => {
        pending.push({ length, metadata, waits, resolve })
        send()
      }),
  }
}

/**
 * The uploads, or the problems, in an answer; null if the server may have created the uploads all the same. The request
 * is then sent again: by its keys nothing is created twice.
 */
function answersIn(answer) {
  const isOnTheWay = answer.status === 0 || answer.status >= 500
  if (isOnTheWay && !problemOf(answer)) return null
  const uploads = answer.status === 200 ? uploadsIn(answer.responseText) : []
  return uploads.some(({ code }) => code === 'upload_locked') ? null : uploads
}

function uploadsIn(text) {
  try {
    return JSON.parse(text).uploads ?? []
  } catch {
    return []
  }
}

const randomKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')

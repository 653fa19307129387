// Creates the uploads of many small files by one request.

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
    request(batch.map(({ length, metadata }) => ({ length, metadata }))).then((answers) =>
      batch.forEach(({ resolve }, place) => resolve(createdOf(answers?.[place]))),
    )
    send()
  }

  async function request(uploads) {
    const headers = { 'Content-Type': 'application/json', ...access.headers() }
    const answer = await fetch(`${api}creations`, { method: 'POST', headers, body: JSON.stringify({ uploads }) }).catch(() => null)
    const body = answer?.ok ? await answer.json().catch(() => null) : null
    return body?.uploads
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
     * answer to a creation of its own then says why.
     */
    create: (length, metadata) =>
      new Promise((resolve) => {
        pending.push({ length, metadata, resolve })
        send()
      }),
  }
}

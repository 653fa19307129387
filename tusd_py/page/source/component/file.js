// One file of a component: from its choice to the end of its upload.
import { deliver, forgetUpload, keyOf } from '../delivery.js'
import { Deleted, Refused } from '../refusals.js'

/** A file on its way. `state` is waiting, hashing, sending, sent or refused; `changed` is called with it on each change. */
export class SentFile {
  state = 'waiting'
  sent = 0
  /** The address of the upload, null before it has begun. */
  url = null
  /** Why it was refused; '' if it was not. */
  message = ''
  /** What it waits for; '' if it does not. */
  reason = ''
  #stop
  #running = null
  #key

  constructor(file, changed) {
    this.file = file
    this.changed = changed
  }

  /** The id of the upload, null before it has begun. */
  get id() {
    return this.url?.split('/').at(-1) ?? null
  }

  get isOnItsWay() {
    return !['sent', 'refused'].includes(this.state)
  }

  /** Sends the file to a server (see `deliver`), whose `access` also has `ready`; after the end of what was stopped before. */
  async send(server, metadata) {
    if (this.#running && !this.#stop.signal.aborted) return
    await this.#running
    if (this.#running) return
    this.#stop = new AbortController()
    this.#running = this.#run(server, metadata, this.#stop.signal)
    await this.#running
    this.#running = null
  }

  async #run(server, metadata, signal) {
    const { file } = this
    this.#key = keyOf(server.endpoint, file)
    this.#show({ state: 'waiting', message: '' })
    try {
      const ended = this.#wait(server.text.waitsForToken)
      await server.access.ready(signal)
      ended()
      signal.throwIfAborted()
      const url = await deliver(file, server, this.#upload(metadata), signal)
      this.#show({ state: 'sent', sent: file.size, url })
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Refused || error instanceof Deleted)) console.error(error)
      if (error.final) forgetUpload(this.#key)
      const message = error instanceof Deleted ? server.text.deleted : error.message
      this.#show({ state: 'refused', message, url: null })
    } finally {
      this.reason = ''
    }
  }

  /** Sends no further byte. */
  stop() {
    this.#stop?.abort()
  }

  /** Ends the upload, also on the server, unless the whole file is there. */
  cancel(access) {
    this.stop()
    if (!this.url || this.state === 'sent') return
    forgetUpload(this.#key)
    const headers = { 'Tus-Resumable': '1.0.0', ...access.headers() }
    fetch(this.url, { method: 'DELETE', headers, keepalive: true }).catch(() => {})
  }

  #show(facts) {
    Object.assign(this, facts)
    this.changed(this)
  }

  #wait(reason) {
    this.#show({ reason })
    return () => this.#show({ reason: '' })
  }

  #upload(metadata) {
    const { file } = this
    return {
      key: this.#key,
      hashing: () => this.state === 'hashing' || this.#show({ state: 'hashing' }),
      hashed() {},
      metadata: (hash) => ({
        filename: file.name,
        filetype: file.type,
        lastModified: file.lastModified,
        ...(hash && { filehash: `blake3:${hash}` }),
        ...metadata,
      }),
      starts: (url) => this.#show({ state: 'sending', url }),
      begun: (url) => this.#show({ url }),
      moved: (sent) => this.#show({ sent }),
      waits: (reason) => this.#wait(reason),
      smaller() {},
    }
  }
}

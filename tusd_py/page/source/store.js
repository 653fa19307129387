// Keeps the state of Uppy. Who shows or keeps it learns all changes of a moment at once: with thousands of files
// each report takes milliseconds, and each file changes several times.
const MOST_MS = 250
const FILES_PER_MS = 4

export class Store {
  #state = {}
  #listeners = new Set()
  #before = null
  #patch = {}

  getState() {
    return this.#state
  }

  setState(patch) {
    const before = this.#state
    this.#state = { ...before, ...patch }
    Object.assign(this.#patch, patch)
    if (this.#before) return
    this.#before = before
    const files = Object.keys(this.#state.files ?? {}).length
    setTimeout(() => this.#report(), Math.min(MOST_MS, files / FILES_PER_MS))
  }

  subscribe(listener) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #report() {
    const [before, patch] = [this.#before, this.#patch]
    this.#before = null
    this.#patch = {}
    for (const listener of this.#listeners) listener(before, this.#state, patch)
  }
}

// Deletes files after a time in which it can be undone, or when the page is left.
import { access, endpoint, text } from './server.js'

const SECONDS = 10
const AT_ONCE = 4
const bar = document.querySelector('#undo')
const words = bar.querySelector('span')
const button = bar.querySelector('button')

/**
 * Deletes files. `changed` gets each that begins or ceases to wait, `begins` each before its request is sent, `gone`
 * each that was deleted, `kept` each that was not, with the reason, `undone` those that are had back by its button.
 */
export function deletionOf({ changed, begins, gone, kept, undone }) {
  const waiting = new Map()
  const due = new Set()
  const sending = new Set()
  let held = false

  const wait = (id) => waiting.set(id, held ? null : setTimeout(end, SECONDS * 1000, id))

  function request(ids) {
    for (const id of ids) {
      if (waiting.has(id) || due.has(id)) continue
      wait(id)
      changed(id)
    }
    show()
  }

  function undo(ids) {
    for (const id of ids) {
      clearTimeout(waiting.get(id))
      if (waiting.delete(id)) changed(id)
    }
    show()
  }

  function end(id) {
    waiting.delete(id)
    due.add(id)
    changed(id)
    show()
    sendOn()
  }

  async function sendOn() {
    const id = [...due].find((one) => !sending.has(one))
    if (!id || sending.size >= AT_ONCE) return
    sending.add(id)
    begins(id)
    const response = await remove(id)
    const refusal = response && !response.ok ? await response.json().catch(() => null) : null
    sending.delete(id)
    due.delete(id)
    if (response?.ok || [404, 410].includes(response?.status)) gone(id)
    else kept(id, refusal?.detail)
    if (response?.status === 401) access.ask()
    sendOn()
  }

  /** Says what waits. The place of the words is always there: a screen reader says what changes in it. */
  function show() {
    if (!waiting.size) held = false
    bar.classList.toggle('open', waiting.size > 0)
    button.hidden = !waiting.size
    words.textContent = waiting.size ? text.deleting(waiting.size, SECONDS) : ''
  }

  /** Stops the time for a person who is at the button. */
  function hold(is) {
    if (is === held || !waiting.size) return
    held = is
    for (const [id, timer] of waiting) {
      clearTimeout(timer)
      wait(id)
    }
  }

  button.addEventListener('click', () => {
    const ids = [...waiting.keys()]
    // The button goes, and takes the focus with it.
    undone(ids)
    undo(ids)
  })
  for (const event of ['pointerenter', 'focus']) button.addEventListener(event, () => hold(true))
  for (const event of ['pointerleave', 'blur']) button.addEventListener(event, () => hold(false))
  addEventListener('pagehide', () => {
    for (const id of [...waiting.keys(), ...due]) {
      begins(id)
      remove(id, { keepalive: true })
    }
  })

  return { request, undo, waits: (id) => waiting.has(id), isDue: (id) => due.has(id) }
}

const remove = (id, options) =>
  fetch(endpoint + id, {
    method: 'DELETE',
    headers: { 'Tus-Resumable': '1.0.0', ...access.headers() },
    ...options,
  }).catch(() => null)

// What the list does not have of a file, read once its row is near what is seen: all such rows in one request.
import { LINK_SECONDS } from './addresses.js'
import { ask } from './server.js'

const AT_ONCE = 100
const PAUSE = 5000

/** Reads details; `needed` says which task a row needs them of, null if none, and `got` gets them. */
export function detailsOf(needed, got) {
  const near = new Set()
  /** Tasks of which the server said nothing; they are tried again after a pause. */
  const unknown = new Set()
  let isReading = false
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) near.add(target)
      else near.delete(target)
    }
    readOn()
  }, { rootMargin: '300px' })

  async function readOn() {
    if (isReading) return
    const ids = [...near].map(needed).filter((id) => id && !unknown.has(id))
    if (!ids.length) return
    isReading = true
    await read(ids.slice(0, AT_ONCE))
    isReading = false
    readOn()
  }

  async function read(ids) {
    const answer = await ask('details', { method: 'POST', body: JSON.stringify({ task_ids: ids, seconds: LINK_SECONDS }) })
    const found = answer?.tasks ?? []
    for (const each of found) got(each.progress.task_id, each)
    const known = new Set(found.map(({ progress }) => progress.task_id))
    const others = ids.filter((id) => !known.has(id))
    if (!others.length) return
    for (const id of others) unknown.add(id)
    setTimeout(() => {
      for (const id of others) unknown.delete(id)
      readOn()
    }, PAUSE)
  }

  return {
    watch: (row) => observer.observe(row),
    forget(row) {
      observer.unobserve(row)
      near.delete(row)
    },
    readOn,
    /** Reads those that the first of these rows need, wherever they are. */
    readRows: (rows) => read(rows.map(needed).filter(Boolean).slice(0, AT_ONCE)),
  }
}

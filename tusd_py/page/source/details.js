// What the list does not have of a file, read once its row is near what is seen.
import { ask } from './server.js'

const AT_ONCE = 4
const PAUSE = 5000

/** Reads details; `needed` says which task a row needs them of, null if none, and `got` gets them. */
export function detailsOf(needed, got) {
  const near = new Set()
  const reading = new Set()
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) near.add(target)
      else near.delete(target)
    }
    readOn()
  }, { rootMargin: '300px' })

  function readOn() {
    for (const row of near) {
      if (reading.size >= AT_ONCE) return
      const id = needed(row)
      if (id && !reading.has(id)) read(id)
    }
  }

  async function read(id) {
    reading.add(id)
    const found = await ask(`progress/${id}`)
    const made = found?.renditions?.some((name) => name !== 'original')
    const listed = made ? await ask(`renditions/${id}`) : null
    if (!found) await new Promise((then) => setTimeout(then, PAUSE))
    reading.delete(id)
    if (found) got(id, { ...found, listed })
    readOn()
  }

  return {
    watch: (row) => observer.observe(row),
    forget(row) {
      observer.unobserve(row)
      near.delete(row)
    },
    readOn,
  }
}

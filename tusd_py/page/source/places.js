// Numbers the tabs: each has files of its own, which no other tab that is open restores.
import { locks } from './locks.js'

const KEY = 'tusd-place'
const GIVE_UP_MS = 2000

/** The number of a place that no other open tab has: the one before the reload if it is free. */
export async function placeOfTab() {
  const before = sessionStorage.getItem(KEY)
  // The page before the reload may still be about to leave; a duplicated tab never does.
  if (before && (await take(before, { signal: AbortSignal.timeout(GIVE_UP_MS) }))) return Number(before)
  for (let place = 0; ; place++) {
    if (await take(place, { ifAvailable: true })) {
      sessionStorage.setItem(KEY, place)
      return place
    }
  }
}

/** Whether the place is this tab's from now on, for as long as it is open. */
const take = (place, options) =>
  new Promise((resolve) => {
    const held = (lock) => {
      resolve(lock !== null)
      return lock && new Promise(() => {})
    }
    locks.request(`tusd-tab-${place}`, options, held).catch(() => resolve(false))
  })

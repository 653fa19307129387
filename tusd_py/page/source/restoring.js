// Keeps what a tab was sending beyond a reload: the bytes of small files, the names of large ones.
import GoldenRetriever from '@uppy/golden-retriever'

const KEY = 'tusd-place'
const GIVE_UP_MS = 2000

/** Keeps the files of this tab, and restores those of the tab that was here before. */
export async function keepFiles(uppy) {
  // Each tab has files of its own: what is kept of a tab that is open must not be restored by another.
  uppy.setOptions({ id: `tab-${await placeOfTab()}` })
  uppy.use(GoldenRetriever)
}

/** The number of a place that no other open tab has: the one before the reload if it is free. */
async function placeOfTab() {
  if (!navigator.locks) return 0
  const before = sessionStorage.getItem(KEY)
  // The page before the reload may still be about to leave; a duplicated tab never does.
  if (before && (await take(before, { signal: AbortSignal.timeout(GIVE_UP_MS) }))) return before
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
    navigator.locks.request(`tusd-tab-${place}`, options, held).catch(() => resolve(false))
  })

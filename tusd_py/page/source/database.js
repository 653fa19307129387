// The page's database in the browser. Without one (a private window of some browsers) nothing is kept.
const opened = new Promise((resolve) => {
  const opening = indexedDB.open('tusd-page', 1)
  opening.onupgradeneeded = () => {
    for (const name of ['handles', 'files']) opening.result.createObjectStore(name)
  }
  opening.onsuccess = () => resolve(opening.result)
  opening.onerror = () => resolve(null)
})

/**
 * Runs `work`, which makes requests of a store, in one transaction; the result of the request that it returns, once
 * all is done. undefined if that failed: what is kept is a convenience.
 */
export async function stored(name, mode, work) {
  const database = await opened
  if (!database) return undefined
  return new Promise((resolve) => {
    const transaction = database.transaction(name, mode)
    const request = work(transaction.objectStore(name))
    transaction.oncomplete = () => resolve(request?.result)
    transaction.onabort = () => resolve(undefined)
  })
}

const DELETE_MS = 500
const gone = { handles: new Set(), files: new Set() }
let timer
/** Deletes an entry of a store soon, together with others. */
export function deleteSoon(name, key) {
  gone[name].add(key)
  timer ??= setTimeout(() => {
    timer = undefined
    for (const [store, keys] of Object.entries(gone)) {
      if (!keys.size) continue
      stored(store, 'readwrite', (entries) => keys.forEach((one) => entries.delete(one)))
      gone[store] = new Set()
    }
  }, DELETE_MS)
}

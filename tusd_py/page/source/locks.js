// Locks that all tabs share. Browsers have them where a page is secure only: over plain HTTP in a network a lease in
// the local storage stands for each.
const LEASE_MS = 90_000
const RENEW_MS = 5000
/** Time in which two tabs that took a lease at one moment see which of them has it. */
const SETTLE_MS = 50
const me = Math.random().toString(36).slice(2)
/** The entries of this tab: of what it holds, and of what it waits for. */
const entries = new Set()
const changes = new EventTarget()
const change = () => changes.dispatchEvent(new Event('change'))

const leaseOf = (name) => `tusd-lease|${name}`
const wishOf = (name) => `tusd-wish|${name}`

function write(key) {
  entries.add(key)
  // It outlasts the minute after which a tab that is not seen may run again.
  localStorage.setItem(key, JSON.stringify({ of: me, until: Date.now() + LEASE_MS }))
}
function remove(key) {
  if (entries.delete(key)) localStorage.removeItem(key)
}
function read(key) {
  const found = JSON.parse(localStorage.getItem(key))
  return found?.until > Date.now() ? found : null
}

/** Takes a lease if no tab has it; whether it did. */
async function take(key) {
  if (read(key)) return false
  write(key)
  await new Promise((then) => setTimeout(then, SETTLE_MS))
  if (read(key)?.of === me) return true
  entries.delete(key)
  return false
}

/** Waits until another tab, or this one, frees a lease; for a while at most, since a tab can crash. */
const changed = (signal) =>
  new Promise((resolve) => {
    const ended = new AbortController()
    const end = () => {
      clearTimeout(timer)
      ended.abort()
      resolve()
    }
    const timer = setTimeout(end, RENEW_MS)
    changes.addEventListener('change', end, { signal: ended.signal })
    signal?.addEventListener('abort', end, { signal: ended.signal })
  })

const leases = {
  async request(name, { ifAvailable = false, signal }, then) {
    try {
      while (!(await take(leaseOf(name)))) {
        if (ifAvailable) return await then(null)
        signal?.throwIfAborted()
        write(wishOf(name))
        await changed(signal)
      }
    } finally {
      remove(wishOf(name))
    }
    try {
      signal?.throwIfAborted()
      return await then({ name })
    } finally {
      remove(leaseOf(name))
      change()
    }
  },
  isWanted: async (name) => read(wishOf(name)) !== null,
}

/** Where nothing is shared (a frame without storage), each tab is alone. */
const nothing = { request: async (name, options, then) => then({ name }), isWanted: async () => false }

function shared() {
  try {
    localStorage.getItem('')
  } catch {
    return nothing
  }
  if (navigator.locks) {
    return {
      request: (...given) => navigator.locks.request(...given),
      isWanted: async (wanted) => (await navigator.locks.query()).pending.some(({ name }) => name === wanted),
    }
  }
  addEventListener('storage', change)
  setInterval(() => entries.forEach(write), RENEW_MS)
  addEventListener('pagehide', () => entries.forEach((key) => localStorage.removeItem(key)))
  return leases
}

/** As `navigator.locks`, save that it says of one lock whether any tab waits for it. */
export const locks = shared()

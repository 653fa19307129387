// The worker that hashes, from the address of the script: it may be one of another site.
import { hashingBy } from '../hashing.js'

/** A function as `hashingBy` returns it. Where a page's content policy lets no worker run, it finds no hash. */
export function hashingFrom(address) {
  let worker
  try {
    worker = new Worker(isNear(address) ? address : throughBlob(address))
  } catch {
    return async () => undefined
  }
  const hashOf = hashingBy(worker)
  const failed = new Promise((resolve) => worker.addEventListener('error', () => resolve(undefined)))
  return (file, moved) => Promise.race([hashOf(file, moved), failed])
}

const isNear = (address) => new URL(address).origin === location.origin

/** A worker must be of the page's own site, but may load a script from another one. */
function throughBlob(address) {
  const script = `importScripts(${JSON.stringify(address)})`
  return URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))
}

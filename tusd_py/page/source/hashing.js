// Hashes files in a worker, one after the other.
const worker = new Worker(new URL('page/hash-worker.js', document.baseURI))
const hashing = new Map()
worker.onmessage = ({ data }) => {
  const of = hashing.get(data.id)
  if (data.share !== undefined) of?.moved(data.share)
  else {
    hashing.delete(data.id)
    of?.ended(data.hash)
  }
}

/** The BLAKE3 of a file in hexadecimal digits, undefined if it can't be read; `moved` gets the share that is done. */
export const hashOf = (id, file, moved) =>
  new Promise((ended) => {
    hashing.set(id, { moved, ended })
    worker.postMessage({ id, file })
  })

// Hashes files in a worker, one after the other.

/** A function for the BLAKE3 of files, which `worker` makes (hash-worker.js): see below. */
export function hashingBy(worker) {
  const hashing = new Map()
  let last = 0
  worker.onmessage = ({ data }) => {
    const of = hashing.get(data.id)
    if (data.share !== undefined) of?.moved(data.share)
    else {
      hashing.delete(data.id)
      of?.ended(data.hash)
    }
  }
  /** The BLAKE3 of a file in hexadecimal digits, undefined if it can't be read; `moved` gets the share that is done. */
  return (file, moved) =>
    new Promise((ended) => {
      const id = ++last
      hashing.set(id, { moved, ended })
      worker.postMessage({ id, file })
    })
}

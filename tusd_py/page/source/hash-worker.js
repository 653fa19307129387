// BLAKE3 of a file, beside the page. Receives {id, file}; posts {id, share} now and then, and {id, hash} at the end.
import { createBLAKE3 } from 'hash-wasm'

const PIECE = 8 << 20

self.onmessage = async ({ data: { id, file } }) => {
  try {
    const hasher = (await createBLAKE3()).init()
    for (let at = 0; at < file.size; at += PIECE) {
      hasher.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()))
      self.postMessage({ id, share: Math.min(1, (at + PIECE) / file.size) })
    }
    self.postMessage({ id, hash: hasher.digest('hex') })
  } catch (error) {
    // Not to be read any longer: the upload itself will say so.
    self.postMessage({ id, error: String(error) })
  }
}

// Downloads with a token: the address of a file can't carry it, a link that expires does.
import { ask } from './server.js'

/** Downloads a file or one of its renditions; false without an answer of the server. */
export async function download(id, rendition) {
  const made = await ask(`links/${id}`, { method: 'POST' })
  if (!made) return false
  const link = document.createElement('a')
  link.href = `${made.url}?download=1${rendition ? `&rendition=${rendition}` : ''}`
  link.download = ''
  link.click()
  return true
}

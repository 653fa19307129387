// Downloads with a token: the address of a file can't carry it, a link that expires does.
import { ask } from './server.js'

export async function download(id, rendition) {
  const made = await ask(`links/${id}`, { method: 'POST' })
  if (!made) return
  const link = document.createElement('a')
  link.href = `${made.url}?download=1${rendition ? `&rendition=${rendition}` : ''}`
  link.download = ''
  link.click()
}

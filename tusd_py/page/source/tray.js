// What was sent leaves the tray: what becomes of it is in the list.
import { text } from './server.js'

const SOON_MS = 100
const said = document.querySelector('#sent')

/** Empties the tray of an Uppy when all of its files have been sent, and says how many they were. */
export function emptyTray(uppy) {
  uppy.on('files-added', () => (said.textContent = ''))
  let timer
  // Behind everything else that follows the end of an upload; once for all that end in a moment.
  uppy.on('upload-success', () => (timer ??= setTimeout(empty, SOON_MS)))

  function empty() {
    timer = undefined
    const files = uppy.getFiles()
    if (!files.length || !files.every(({ progress }) => progress.uploadComplete)) return
    uppy.removeFiles(files.map(({ id }) => id))
    said.textContent = text.allSent(files.length)
  }
}

// What was sent leaves the tray: what becomes of it is in the list.
import { text } from './server.js'

const said = document.querySelector('#sent')

/** Empties the tray of an Uppy when all of its files have been sent, and says how many they were. */
export function emptyTray(uppy) {
  uppy.on('files-added', () => (said.textContent = ''))
  // Behind everything else that follows the end of an upload.
  uppy.on('upload-success', () => setTimeout(empty))

  function empty() {
    const files = uppy.getFiles()
    if (!files.length || !files.every(({ progress }) => progress.uploadComplete)) return
    uppy.removeFiles(files.map(({ id }) => id))
    said.textContent = text.allSent(files.length)
  }
}

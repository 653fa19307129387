// Remembers where dropped files lie, so that a large one can be read again after a reload. Browsers without the File
// System Access API remember nothing; the person then chooses the file again.
import { deleteSoon, stored } from './database.js'

const keyOf = ({ name, size, lastModified }) => `${name}|${size}|${lastModified}`

document.addEventListener('drop', ({ dataTransfer }) => {
  // They can be had during the event only.
  const handles = [...dataTransfer.items].map((item) => item.kind === 'file' && item.getAsFileSystemHandle?.())
  for (const found of handles) if (found) found.then(remember, () => {})
}, true)

async function remember(handle) {
  if (handle?.kind !== 'file') return
  const file = await handle.getFile()
  await stored('handles', 'readwrite', (handles) => handles.put(handle, keyOf(file)))
}

/** Forgets where a file lies. */
export const forget = (file) => deleteSoon('handles', keyOf(file))

/** The file that was dropped before the reload; null if it can't be read without being chosen again. */
export async function readAgain(file) {
  const handle = await stored('handles', 'readonly', (handles) => handles.get(keyOf(file)))
  if ((await handle?.queryPermission({ mode: 'read' })) !== 'granted') return null
  const found = await handle.getFile().catch(() => null)
  return found && keyOf(found) === keyOf(file) ? found : null
}

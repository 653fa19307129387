// Files of folders that are sent: their places, and which of them are left out.
const OF_SYSTEMS = new Set(['thumbs.db', 'desktop.ini', '__macosx'])

/** Where a file lies below the folder that was chosen, with that folder's name; null for a file that was chosen itself. */
const placeOf = (path) => path?.split('\0')[0].replace(/^\/+/, '').normalize() || null

/** Whether systems hide a file of this place or a folder of it, below the one that was chosen, or make it by themselves. */
const isHidden = (place) =>
  place.split('/').slice(1).some((name) => name.startsWith('.') || OF_SYSTEMS.has(name.toLowerCase()))

/** The places of large letters in a text. */
const capitals = (text) => [...text].flatMap((letter, at) => (letter === letter.toLowerCase() ? [] : at)).join()

/** A file with a mark by which Uppy tells it from another one: its ids are in small letters. */
function marked(file) {
  const place = placeOf(file.meta?.relativePath) ?? ''
  return { ...file, meta: { ...file.meta, relativePath: `${place}\0${capitals(place || file.name)}` } }
}

/** Makes an Uppy take folders; `leftOut` gets the number of hidden files that are left out of those that are added. */
export function takeFolders(uppy, leftOut) {
  const { addFile, addFiles } = uppy
  uppy.addFile = (file) => addFile.call(uppy, marked(file))
  uppy.addFiles = (files) => {
    const kept = files.filter((file) => !isHidden(placeOf(file.meta?.relativePath) ?? ''))
    leftOut(files.length - kept.length)
    return addFiles.call(uppy, kept.map(marked))
  }
}

/** The metadata of a file that Uppy is about to add, with its place as it is sent. */
export const withPlace = (meta) => ({ ...meta, relativePath: placeOf(meta.relativePath) })

// The bytes that this page sends, by the task that gets them.
const sending = new Map()
const failed = new Set()

/** What this page sends to a task: {sent, total} in bytes, and its `pace`, or what it waits for, in words; undefined if it sends nothing. */
export const arriving = (id) => sending.get(id)

/** Whether this page gave up sending to a task. */
export const hasFailed = (id) => failed.has(id)

/** The share of all bytes on their way that has been sent, 0 to 1; null if there are none. */
export function sentShare() {
  let sent = 0
  let total = 0
  for (const one of sending.values()) {
    sent += one.sent
    total += one.total
  }
  return total ? sent / total : null
}

/** Takes the file of a task out of the tray, so that no byte of it is sent any longer. */
export let stopSending = () => {}

/** Follows an Uppy, of whose files `addressOf` knows the uploads; `changed` gets each task whose bytes moved. */
export function followSending(uppy, addressOf, changed) {
  const tasks = new Map()

  uppy.on('bytes-moved', (file, { sent, total, pace }) => {
    const id = addressOf(file.id)?.split('/').at(-1)
    if (!id || !total) return
    tasks.set(file.id, id)
    failed.delete(id)
    sending.set(id, { sent, total, pace })
    changed(id)
  })

  // No byte leaves now: neither the rate nor the time left is true any longer.
  uppy.on('bytes-wait', (file, reason) => {
    const id = tasks.get(file.id)
    if (!sending.has(id)) return
    sending.set(id, { ...sending.get(id), pace: reason })
    changed(id)
  })

  function end(file, isFailed) {
    const id = file && tasks.get(file.id)
    if (!id) return
    if (isFailed) failed.add(id)
    sending.delete(id)
    changed(id)
  }
  uppy.on('upload-success', (file) => {
    end(file, false)
    // It may leave the tray.
    tasks.delete(file.id)
  })
  uppy.on('gave-up', (file) => end(file, true))
  uppy.on('upload-pause', (file) => end(file, false))
  uppy.on('file-removed', (file) => end(file, true))

  stopSending = (id) => {
    const file = uppy.getFiles().find((one) => tasks.get(one.id) === id)
    if (file) uppy.removeFile(file.id)
  }
}

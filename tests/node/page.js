// What is in the page: unmodified Uppy with its tus plugin.
import Uppy from '@uppy/core'
import Tus from '@uppy/tus'

window.send = (endpoint, options) =>
  new Promise((resolve) => {
    const uppy = new Uppy()
    uppy.use(Tus, {
      endpoint,
      headers: options.headers ?? {},
      retryDelays: [0, 100, 300, 500, 1000, 1000, 2000, 3000, 3000],
      uploadDataDuringCreation: options.withCreation ?? false,
      ...(options.protocol && { protocol: options.protocol }),
    })
    const file = document.querySelector('input').files[0]
    const id = uppy.addFile({ name: file.name, type: file.type, data: file })
    uppy.setFileMeta(id, options.metadata ?? {})
    uppy.on('upload-success', (_, response) => resolve({ done: true, url: response.uploadURL }))
    uppy.on('upload-error', (_, error) => resolve({ error: String(error) }))
    uppy.upload()
  })

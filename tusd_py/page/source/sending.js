// Sends files: Uppy, with the hash of each file before its bytes.
import Uppy from '@uppy/core'
import Dashboard from '@uppy/dashboard'
import GoldenRetriever from '@uppy/golden-retriever'
import zh_CN from '@uppy/locales/lib/zh_CN.js'
import Tus from '@uppy/tus'
import { language } from './common.js'
import { hashOf } from './hashing.js'
import { access, endpoint, text } from './server.js'

const uppy = new Uppy({ autoProceed: true, locale: language === 'zh' ? zh_CN : undefined })
  .use(Dashboard, {
    target: '#drop',
    inline: true,
    width: '100%',
    height: 420,
    theme: 'auto',
    proudlyDisplayPoweredByUppy: false,
    showProgressDetails: true,
    note: text.note,
  })
  .use(Tus, {
    endpoint,
    headers: () => access.headers(),
    removeFingerprintOnSuccess: true,
    retryDelays: [0, 500, 1000, 2000, 3000, 5000, 5000, 10000, 10000, 10000, 20000, 30000],
  })
  .use(GoldenRetriever)

uppy.addPreProcessor(async (ids) => {
  for (const id of ids) {
    const file = uppy.getFile(id)
    if (!file?.data?.size || file.meta.filehash) continue
    const show = (value) =>
      uppy.emit('preprocess-progress', file, { mode: 'determinate', message: text.hashing, value })
    show(0)
    const hash = await hashOf(id, file.data, show)
    if (hash && uppy.getFile(id)) uppy.setFileMeta(id, { filehash: `blake3:${hash}` })
    uppy.emit('preprocess-complete', file)
  }
})

uppy.on('upload-error', (file, error) => {
  // The server says why in a sentence; Uppy would show the request.
  try {
    const { detail } = JSON.parse(error.originalResponse.getBody())
    uppy.setFileState(file.id, { error: detail })
    uppy.info(detail, 'error', 10_000)
  } catch {
    // It never reached the server: Uppy's own words are right.
  }
})

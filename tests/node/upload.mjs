// Upload a file with unmodified tus-js-client, resuming by URL when one is given.
// node upload.mjs ENDPOINT FILE OPTIONS(JSON: chunkSize, deferLength, parallel, abortAt, url, metadata,
// headers, withCreation, protocol)
import * as fs from 'node:fs'
import { PassThrough } from 'node:stream'
import * as tus from 'tus-js-client'

const [, , endpoint, file, optionsText] = process.argv
const options = JSON.parse(optionsText ?? '{}')
const size = fs.statSync(file).size
let upload
const finish = (outcome) => {
  console.log(JSON.stringify({ url: upload.url, ...outcome }))
  process.exit(0)
}
const source = options.buffer ? fs.readFileSync(file) : fs.createReadStream(file)
upload = new tus.Upload(options.deferLength ? source.pipe(new PassThrough()) : source, {
  endpoint,
  uploadUrl: options.url,
  chunkSize: options.chunkSize ?? Infinity,
  uploadLengthDeferred: options.deferLength ?? false,
  ...(options.deferLength || options.parallel ? {} : { uploadSize: size }),
  parallelUploads: options.parallel ?? 1,
  retryDelays: [0, 100, 300, 500, 1000, 1000, 2000, 3000],
  uploadDataDuringCreation: options.withCreation ?? false,
  protocol: options.protocol ?? 'tus-v1',
  headers: options.headers ?? {},
  metadata: { filename: '视频 a.bin', filetype: 'application/octet-stream', ...options.metadata },
  onProgress: (sent) => {
    if (options.abortAt && sent >= options.abortAt) {
      upload.abort().then(() => finish({ aborted: sent }))
    }
  },
  onError: (error) => {
    console.error(String(error))
    process.exit(1)
  },
  onSuccess: () => finish({ done: true }),
})
upload.start()

// Bundle the module on standard input with the packages of this folder, for a browser, and print it.
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const bundle = await build({
  stdin: { contents: await text(process.stdin), resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
  bundle: true,
  format: 'esm',
  write: false,
  logLevel: 'error',
})
process.stdout.write(bundle.outputFiles[0].text)

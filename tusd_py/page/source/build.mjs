// Builds the page into ../built, with the licences of what is in it. `npm run build`; no output differs
// from one run to the next.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { build } from 'esbuild'
import { ABOUT, RECEIVER } from './languages.js'
import { buildComponent } from './component/build.mjs'
import { licencesOf } from './licences.mjs'

const out = path.resolve(import.meta.dirname, '../built')
fs.rmSync(out, { recursive: true, force: true })
fs.mkdirSync(out)
const OPTIONS = {
  absWorkingDir: import.meta.dirname,
  outdir: out,
  bundle: true,
  minify: true,
  target: 'es2022',
  alias: { '@transloadit/prettier-bytes': './prettier-bytes.js' },
  legalComments: 'none',
  logLevel: 'error',
  metafile: true,
}
const first = await build({
  ...OPTIONS,
  entryPoints: { page: 'page.js', admin: 'admin.js', receiver: 'receiver.js', 'hash-worker': 'hash-worker.js', 'stream-worker': 'stream-worker.js' },
  format: 'iife',
})
// What the page imports after a click.
const later = await build({ ...OPTIONS, entryPoints: { player: 'player.js', shares: 'shares.js', viewer: 'viewer.js' }, format: 'esm' })
for (const page of ['index.html', 'admin.html', 'api.html', 'api.js', 'receiver.html']) {
  fs.copyFileSync(path.join(import.meta.dirname, page), path.join(out, page))
}
// The server writes the page of a receiver, which works without scripts.
const texts = Object.fromEntries(Object.entries(ABOUT).map(([language, about]) => [language, { about, ...RECEIVER[language] }]))
fs.writeFileSync(path.join(out, 'receiver-texts.json'), `${JSON.stringify(texts, null, 1)}\n`)
const viewer = path.join(import.meta.dirname, 'node_modules/swagger-ui-dist')
for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css']) {
  // The map that it names is not here.
  const text = fs.readFileSync(path.join(viewer, file), 'utf8').replace(/\n?(\/\/|\/\*)# sourceMappingURL=.*\n?/, '\n')
  fs.writeFileSync(path.join(out, file), text)
}
fs.writeFileSync(path.join(out, 'LICENCES.txt'), licencesOf({ ...first.metafile.inputs, ...later.metafile.inputs }, ['swagger-ui-dist']))
await buildComponent(path.join(out, 'tusd-upload'))

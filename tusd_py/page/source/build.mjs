// Builds the page into ../built, with the licences of what is in it. `npm run build`; no output differs
// from one run to the next.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { build } from 'esbuild'

const out = path.resolve(import.meta.dirname, '../built')
fs.rmSync(out, { recursive: true, force: true })
fs.mkdirSync(out)
const { metafile } = await build({
  entryPoints: { page: 'page.js', admin: 'admin.js', 'hash-worker': 'hash-worker.js', 'stream-worker': 'stream-worker.js' },
  absWorkingDir: import.meta.dirname,
  outdir: out,
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  alias: { '@transloadit/prettier-bytes': './prettier-bytes.js' },
  legalComments: 'none',
  metafile: true,
  logLevel: 'error',
})
for (const page of ['index.html', 'admin.html', 'api.html', 'api.js']) {
  fs.copyFileSync(path.join(import.meta.dirname, page), path.join(out, page))
}
const viewer = path.join(import.meta.dirname, 'node_modules/swagger-ui-dist')
for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css']) {
  // The map that it names is not here.
  const text = fs.readFileSync(path.join(viewer, file), 'utf8').replace(/\n?(\/\/|\/\*)# sourceMappingURL=.*\n?/, '\n')
  fs.writeFileSync(path.join(out, file), text)
}
const names = new Set(['node_modules/swagger-ui-dist/'])
for (const input of Object.keys(metafile.inputs)) {
  const found = input.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//)
  if (found) names.add(found[0])
}
const texts = [...names].sort().map((folder) => {
  const directory = path.join(import.meta.dirname, folder)
  const about = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8'))
  const file = fs.readdirSync(directory).find((name) => /^licen[cs]e/i.test(name))
  const text = file ? fs.readFileSync(path.join(directory, file), 'utf8').trim() : `Licence: ${about.license}`
  return `${about.name} ${about.version}\n\n${text}\n`
})
fs.writeFileSync(path.join(out, 'LICENCES.txt'), texts.join(`\n${'-'.repeat(78)}\n\n`))

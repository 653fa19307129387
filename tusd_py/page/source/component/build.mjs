// Builds the component as the files of an npm package: a module, a script without imports, and the worker that hashes.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { build } from 'esbuild'
import { licencesOf } from '../licences.mjs'

const source = import.meta.dirname
const COMMON = { absWorkingDir: path.dirname(source), bundle: true, minify: true, target: 'es2022', loader: { '.css': 'text' }, legalComments: 'none', logLevel: 'error' }

export async function buildComponent(out) {
  fs.mkdirSync(out)
  await build({ ...COMMON, entryPoints: ['component/module.js'], outfile: path.join(out, 'tusd-upload.mjs'), format: 'esm' })
  await build({ ...COMMON, entryPoints: ['component/classic.js'], outfile: path.join(out, 'tusd-upload.js'), format: 'iife' })
  const worker = await build({ ...COMMON, entryPoints: ['hash-worker.js'], outfile: path.join(out, 'hash-worker.js'), format: 'iife', metafile: true })
  for (const file of ['package.json', 'README.md', 'tusd-upload.d.ts']) fs.copyFileSync(path.join(source, file), path.join(out, file))
  fs.writeFileSync(path.join(out, 'LICENCES.txt'), licencesOf(worker.metafile.inputs))
}

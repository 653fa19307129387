// The licences of the packages that a bundle contains.
import * as fs from 'node:fs'
import * as path from 'node:path'

/** The texts for the inputs of a build (esbuild's metafile) and for more packages, by name. */
export function licencesOf(inputs, more = []) {
  const names = new Set(more)
  for (const input of Object.keys(inputs)) {
    const found = input.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//)
    if (found) names.add(found[1])
  }
  const texts = [...names].sort().map((name) => {
    const directory = path.join(import.meta.dirname, 'node_modules', name)
    const about = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8'))
    const file = fs.readdirSync(directory).find((each) => /^licen[cs]e/i.test(each))
    const text = file ? fs.readFileSync(path.join(directory, file), 'utf8').trim() : `Licence: ${about.license}`
    return `${about.name} ${about.version}\n\n${text}\n`
  })
  return texts.join(`\n${'-'.repeat(78)}\n\n`)
}

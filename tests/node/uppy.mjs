// Upload a file with unmodified Uppy in headless Chromium, by an <input type=file> in a page of another
// origin. node uppy.mjs ENDPOINT FILE OPTIONS(JSON: metadata, headers, withCreation, protocol, pagePort)
import * as http from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'

const [, , endpoint, file, optionsText] = process.argv
const options = JSON.parse(optionsText ?? '{}')
const bundle = await build({
  entryPoints: [fileURLToPath(new URL('page.js', import.meta.url))],
  bundle: true,
  format: 'iife',
  write: false,
  logLevel: 'error',
})
const html = `<!doctype html><meta charset=utf-8><input type=file><script>${bundle.outputFiles[0].text}</script>`
const server = http.createServer((_, response) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8')
  response.end(html)
})
await new Promise((resolve) => server.listen(options.pagePort ?? 0, '127.0.0.1', resolve))
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
let outcome
try {
  // The certificate of the tests' nginx is its own.
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  const page = await context.newPage()
  page.on('console', (message) => console.error(message.text()))
  await page.goto(`http://127.0.0.1:${server.address().port}/`)
  await page.setInputFiles('input', file)
  outcome = await page.evaluate(([to, how]) => window.send(to, how), [endpoint, options])
} finally {
  await browser.close()
  server.close()
}
console.log(JSON.stringify(outcome))
process.exit(outcome.done ? 0 : 1)

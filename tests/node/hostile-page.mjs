// A page at an address that is not the server's tries to use it, in headless Chromium.
// node hostile-page.mjs PAGE_URL SERVER_URL FILE_PATH HOST: the page's HTML is made here, every name of
// HOST leads to 127.0.0.1. Prints one JSON object: what each try became, a status or "refused".
import { chromium } from 'playwright-core'

const [, , pageUrl, serverUrl, filePath, host] = process.argv
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // The browser's own rules for pages that reach for loopback must not be what holds.
  args: [
    '--no-sandbox',
    `--host-resolver-rules=MAP ${host} 127.0.0.1`,
    '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights',
  ],
})
try {
  const page = await browser.newPage()
  await page.route(pageUrl, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>a page</title>' }))
  await page.goto(pageUrl)
  const became = await page.evaluate(
    async ([server, file]) => {
      const tus = { 'Tus-Resumable': '1.0.0' }
      const attempt = async (path, options, show = (answer) => answer.status) => {
        try {
          return await show(await fetch(server + path, options))
        } catch {
          return 'refused'
        }
      }
      const form = new FormData()
      form.append('file', new Blob(['from a form']), 'form.txt')
      return {
        list: await attempt('/api/file/upload/tasks'),
        read: await attempt(file, {}, (answer) => answer.text()),
        create: await attempt('/files/', { method: 'POST', headers: { ...tus, 'Upload-Length': '0' } }),
        form: await attempt('/api/file/upload', { method: 'POST', body: form }),
        blindForm: await attempt('/api/file/upload', { method: 'POST', body: form, mode: 'no-cors' }, (answer) => answer.type),
        image: await new Promise((resolve) => {
          const image = new Image()
          image.onload = () => resolve('loaded')
          image.onerror = () => resolve('refused')
          image.src = server + file
        }),
        websocket: await new Promise((resolve) => {
          const socket = new WebSocket(`${server.replace('http', 'ws')}/api/file/upload/ws/${file.split('/').pop()}`)
          socket.onopen = () => resolve('open')
          socket.onerror = () => resolve('refused')
        }),
        remove: await attempt(file, { method: 'DELETE', headers: tus }),
      }
    },
    [serverUrl, filePath],
  )
  console.log(JSON.stringify(became))
} finally {
  await browser.close()
}

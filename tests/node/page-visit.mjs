// A person at the page, in headless Chromium. node page-visit.mjs URL STEPS(JSON: a list of [what, ...values]).
// Tells one JSON object a line: what was seen after each step.
import * as fs from 'node:fs'
import { chromium } from 'playwright-core'

const [, , url, stepsText, optionsText] = process.argv
const options = JSON.parse(optionsText ?? '{}')
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', ...(options.browser ?? [])],
})
const say = (members) => console.log(JSON.stringify(members))
const context = await browser.newContext({ locale: 'en-GB', ...options.context })
// Time that a step can let pass at once.
if (options.clock) await context.clock.install()
// What the browser lacks, or has in another way.
if (options.before) await context.addInitScript(options.before)
// What the test answers in place of the server, by path.
for (const [path, answer] of Object.entries(options.answers ?? {})) {
  await context.route(new URL(path, url).href, (route) => route.fulfill(answer))
}
let page
const requests = []
const complaints = []
// Addresses whose bytes players get, and requests that wait for theirs.
const arrived = new Set()
let letMoreArrive
const waiting = []
async function open() {
  page = await context.newPage()
  page.setDefaultTimeout((options.patience ?? 60) * 1000)
  page.on('request', (request) => {
    const headers = { ...request.headers(), ':path': new URL(request.url()).pathname }
    requests.push({ method: request.method(), headers })
  })
  page.on('dialog', (dialog) => {
    say({ dialog: dialog.type() })
    dialog.accept()
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text())
  })
  await page.goto(url)
}
// A step may have made the page load again.
const rows = () => rowsNow().catch(() => page.waitForLoadState().then(rowsNow))
const rowsNow = () =>
  page.$$eval('#tasks li', (found) =>
    found.map((row) => ({
      name: row.querySelector('.name').textContent,
      folder: row.querySelector('.folder').textContent,
      status: row.dataset.status,
      statusText: row.querySelector('.status').textContent,
      message: row.querySelector('.message').textContent,
      task: row.dataset.task,
    })),
  )
const STEPS = {
  choose: async (selector, ...files) => page.setInputFiles(selector, files),
  add: async (...files) => page.setInputFiles('.uppy-Dashboard-input >> nth=0', files),
  // All files of a folder.
  all: async (folder) => STEPS.add(...fs.readdirSync(folder).map((name) => `${folder}/${name}`)),
  // Files are dropped, as by a mouse.
  drop: async (...files) => {
    const { x, y } = await (await page.$('#drop')).boundingBox()
    const session = await context.newCDPSession(page)
    for (const type of ['dragEnter', 'dragOver', 'drop']) {
      await session.send('Input.dispatchDragEvent', { type, x: x + 50, y: y + 50, data: { items: [], files, dragOperationsMask: 1 } })
    }
  },
  // A large file after a reload, of which the page has the name only.
  again: async (...files) => {
    await page.click('.uppy-DashboardContent-addMore')
    await page.setInputFiles('.uppy-Dashboard-input >> nth=0', files)
  },
  // Files in addition to those that are shown.
  more: async (...files) => STEPS.again(...files),
  // Wait for ``count`` tasks with this status.
  until: async (status, count = 1) =>
    page.waitForFunction(
      ([what, many]) => document.querySelectorAll(`#tasks li[data-status="${what}"]`).length >= many,
      [status, count],
    ),
  // Wait for a text within an element, or until it has none: every text includes the empty one.
  text: async (selector, wanted) =>
    page.waitForFunction(
      ([where, what]) => {
        const text = document.querySelector(where)?.innerText
        return what ? text?.includes(what) : text?.trim() === ''
      },
      [selector, wanted],
    ),
  there: async (selector) => page.waitForSelector(selector),
  hidden: async (selector) => page.waitForSelector(selector, { state: 'hidden' }),
  // What the tab keeps for itself under a key.
  kept: async (key, wanted) => page.waitForFunction(([name, what]) => sessionStorage.getItem(name) === what, [key, wanted]),
  value: async (selector, wanted) =>
    page.waitForFunction(([where, what]) => document.querySelector(where).value === what, [selector, wanted]),
  // The number of requests so far, of those with a header (or `:path`) if one is named, which has a text.
  requests: async (method, header, text = '') => {
    const isCounted = (each) => each.method === method && (!header || each.headers[header]?.includes(text))
    say({ requests: requests.filter(isCounted).length })
  },
  // Minutes pass until a text is there.
  later: async (selector, wanted) => {
    const seen = () => page.evaluate(([where, what]) => document.querySelector(where).innerText.includes(what), [selector, wanted])
    for (let minutes = 0; minutes < 30 && !(await seen()); minutes++) await page.clock.fastForward(60_000)
    await STEPS.text(selector, wanted)
  },
  // A time without the server, in seconds, with a request for each minute of it.
  away: async (seconds) => {
    for (let passed = 0; passed < seconds; passed += 60) {
      await page.clock.fastForward(60_000)
      await page.evaluate(() => fetch(document.baseURI).catch(() => {}))
    }
  },
  sent: async (least) =>
    page.waitForFunction(
      (share) => Number(document.querySelector('.uppy-StatusBar-progress')?.getAttribute('aria-valuenow') ?? 0) >= share,
      least,
    ),
  reload: async () => page.reload(),
  // The tab is not seen any longer, or is seen again; a browser without a window shows all tabs.
  shown: async (is) =>
    page.evaluate((isShown) => {
      Object.defineProperty(document, 'hidden', { configurable: true, value: !isShown })
      document.dispatchEvent(new Event('visibilitychange'))
    }, is),
  offline: async (is) => context.setOffline(is),
  // A token, or the file that has it.
  token: async (text) => {
    await page.waitForSelector('#gate:not([hidden])')
    await page.fill('#token', text.startsWith('/') ? fs.readFileSync(text, 'utf8') : text)
    await page.click('#gate button')
  },
  fill: async (selector, text) => page.fill(selector, text),
  press: async (selector) => page.click(selector),
  without: async (selector) => page.waitForFunction((what) => !document.querySelector(what), selector),
  remove: async () => page.click('#tasks .remove:not([hidden])'),
  gone: async () => page.waitForFunction(() => !document.querySelector('#tasks li')),
  tab: open,
  // The tab of a number, from 0.
  at: async (number) => {
    page = context.pages()[number]
    await page.bringToFront()
  },
  download: async () => STEPS.saved('#tasks .download:not([hidden])'),
  // The button on the page of a link.
  receive: async () => STEPS.saved('a.go'),
  saved: async (selector) => {
    const [found] = await Promise.all([page.waitForEvent('download'), page.click(selector)])
    const stream = await found.createReadStream()
    let size = 0
    for await (const piece of stream) size += piece.length
    say({ downloaded: size, named: found.suggestedFilename() })
  },
  // Press what has this role and name, and keep the file that is downloaded.
  fetched: async (role, name, path) => {
    const [found] = await Promise.all([page.waitForEvent('download'), STEPS.named(role, name)])
    await found.saveAs(path)
    say({ fetched: found.suggestedFilename() })
  },
  // The bytes that scripts of the page hold, blobs in the browser included.
  memory: async () => {
    const session = await context.newCDPSession(page)
    await session.send('HeapProfiler.collectGarbage')
    const { usedSize, backingStorageSize = 0 } = await session.send('Runtime.getHeapUsage')
    say({ memory: usedSize + backingStorageSize })
  },
  // The first film, until a frame is there.
  play: async () => {
    await page.click('#tasks [data-opens=video]')
    const film = await page.waitForSelector('#tasks video')
    await page.waitForFunction((video) => video.readyState >= 2, film)
    say({ played: await film.evaluate(({ videoWidth, videoHeight, duration }) => ({ videoWidth, videoHeight, duration })) })
  },
  // What stands in the way of people who can't see the page, or see it badly (axe-core, WCAG 2.2 AA).
  accessible: async () => {
    // At rest: what fades in is pale for a moment.
    await page.evaluate(() => {
      // The content policy of a page may refuse an element of style.
      const still = new CSSStyleSheet()
      still.replaceSync('* { transition: none !important; animation: none !important }')
      document.adoptedStyleSheets.push(still)
    })
    await page.evaluate(fs.readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8'))
    const { violations } = await page.evaluate(() => window.axe.run())
    say({ violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} (${node.any[0]?.message})`).join()}`) })
  },
  // Files are chosen without a mouse: tabs up to what is focused, Enter.
  keyed: async (selector, ...files) => {
    const chooser = page.waitForEvent('filechooser')
    for (let tabs = 0; tabs < 30; tabs++) {
      await page.keyboard.press('Tab')
      if (await page.evaluate((what) => document.activeElement.matches(what), selector)) break
    }
    await page.keyboard.press('Enter')
    await (await chooser).setFiles(files)
  },
  // -- films, sounds, pictures, and what is said outside of the page
  attribute: async (selector, name, value) =>
    page.waitForFunction(([where, what, wanted]) => document.querySelector(where)?.getAttribute(what) === wanted, [selector, name, value]),
  focus: async (selector) => page.focus(selector),
  // A picture is there, with its pixels.
  loaded: async (selector) => page.waitForFunction((where) => document.querySelector(where)?.naturalWidth > 0, selector),
  swiped: async (where) => {
    const session = await context.newCDPSession(page)
    const { width, height } = page.viewportSize()
    const [from, to] = where === 'left' ? [0.8, 0.2] : [0.2, 0.8]
    const at = (share) => [{ x: width * share, y: height / 2 }]
    await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(from) })
    await session.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(to) })
    await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
  },
  halted: async (selector) => page.waitForFunction((where) => document.querySelector(where).paused, selector),
  // Players get no bytes before the step `playable`.
  late: async () =>
    page.route('**/*', async (route) => {
      const address = route.request().url()
      if (route.request().resourceType() === 'media' && !arrived.has(address)) {
        await new Promise((resolve) => waiting.push([address, resolve]))
      }
      await route.continue()
    }),
  // A player gets its bytes, all that it needs to begin.
  playable: async (selector) => {
    const address = await page.$eval(selector, (element) => element.currentSrc || element.src)
    arrived.add(address)
    for (const [held, resolve] of waiting) if (held === address) resolve()
    await page.waitForFunction((where) => document.querySelector(where).readyState === 4, selector)
  },
  playing: async (selector) =>
    page.waitForFunction((where) => {
      const element = document.querySelector(where)
      return !element.paused && element.currentTime > 0
    }, selector),
  // A player is halted at a second, and goes on after that many seconds of a pause, by a link of its own.
  resumed: async (selector, second, pause) => {
    const player = page.locator(selector)
    const before = await player.evaluate((film, at) => {
      film.pause()
      film.currentTime = at
      return film.currentSrc
    }, second)
    await context.clock.fastForward(pause * 1000)
    // What this click begins is ended by the new link, which goes on by itself.
    await player.evaluate((film) => film.play().catch(() => {}))
    const goesOn = ([where, at, old]) => {
      const film = document.querySelector(where)
      return film.currentSrc !== old && film.readyState >= 2 && film.currentTime >= at
    }
    await page.waitForFunction(goesOn, [selector, second, before])
  },
  // The tab counts as hidden from now on, and what it says outside of the page is kept.
  hide: async () =>
    page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true })
      window.noticed = []
      window.Notification = class {
        static permission = 'granted'
        constructor(title) {
          window.noticed.push(title)
        }
      }
    }),
  noticed: async (title) => page.waitForFunction((wanted) => window.noticed.includes(wanted), title),
  // -- the list
  // Press what has this role and accessible name.
  named: async (role, name) => page.getByRole(role, { name, exact: true }).click(),
  select: async (selector, value) => page.selectOption(selector, value),
  key: async (key) => page.keyboard.press(key),
  rows: async (count) =>
    page.waitForFunction((many) => document.querySelectorAll('#tasks li').length === many, count),
  title: async (part) => page.waitForFunction((wanted) => document.title.includes(wanted), part),
  // More of the list is read; the answer arrives at the step `moreArrives`.
  readMore: async () => {
    const answered = new Promise((resolve) => {
      const answer = async (route) => {
        const response = await route.fetch()
        resolve()
        await new Promise((arrives) => (letMoreArrive = arrives))
        await route.fulfill({ response })
      }
      page.route(/cursor=/, answer, { times: 1 })
    })
    await page.click('#more')
    await answered
  },
  moreArrives: async () => letMoreArrive(),
  // The accessible name of what has the focus.
  focused: async (name) =>
    page.waitForFunction((wanted) => (document.activeElement.ariaLabel ?? document.activeElement.textContent) === wanted, name),
  // The clock of the page goes on by these seconds; for a visit with the option ``clock``.
  ahead: async (seconds) => context.clock.fastForward(seconds * 1000),
  leave: async () => page.goto('about:blank'),
  // From now on, measure how long the page stands still.
  watch: async () =>
    page.evaluate(() => {
      window.longest = 0
      let last = performance.now()
      const frame = (now) => {
        window.longest = Math.max(window.longest, now - last)
        last = now
        requestAnimationFrame(frame)
      }
      requestAnimationFrame(frame)
    }),
  // Scroll to the end until all ``count`` rows are there; says how long the page stood still at most, in ms.
  scrolled: async (count) => {
    await STEPS.watch()
    await page.waitForFunction((many) => {
      window.scrollTo(0, document.documentElement.scrollHeight)
      return document.querySelectorAll('#tasks li').length === many
    }, count)
    await STEPS.stall()
  },
  // How long the page stood still at most since ``watch`` or ``scrolled``, or since this step, in ms.
  stall: async () => say({ longest: Math.round(await page.evaluate(() => [window.longest, (window.longest = 0)][0])) }),
  go: async (path) => page.goto(new URL(path, url).href),
  // Another language is chosen; the page loads again.
  language: async (tag) => Promise.all([page.waitForEvent('load'), page.click(`#languages [lang|=${tag}]`)]),
  // What a script in the page returns.
  script: async (text) => say({ returned: await page.evaluate(text) }),
  picture: async (path) => page.screenshot({ path, fullPage: true }),
  line: async () => {
    say({ waits: true })
    return new Promise((resolve) => process.stdin.once('data', resolve))
  },
}
let step
try {
  await open()
  for (const [what, ...values] of JSON.parse(stepsText)) {
    step = [what, ...values]
    await STEPS[what](...values)
    say({ did: what, rows: await rows() })
  }
  say({ complaints })
} catch (error) {
  await page?.screenshot({ path: options.failure ?? '/dev/null' }).catch(() => {})
  console.error(JSON.stringify(step), String(error), JSON.stringify(await rows().catch(() => [])), complaints)
  process.exitCode = 1
} finally {
  await browser.close()
}
process.exit()

// The operator's page: one look at everything, every few seconds.
import './admin.css'
import { gate, language, speak } from './common.js'
import { ADMIN } from './languages.js'
import { size } from './size.js'

const EVERY_MS = 3000
const text = speak(ADMIN)
const access = gate(text)
const api = new URL('api/admin/', document.baseURI).href
const number = new Intl.NumberFormat(language)
const at = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'medium' })

function seconds(value) {
  if (value == null) return '–'
  if (value < 60) return `${value.toFixed(value < 10 ? 2 : 0)} s`
  return value < 3600 ? `${Math.round(value / 60)} min` : `${(value / 3600).toFixed(1)} h`
}
const time = (value) => (value ? at.format(new Date(value)) : '–')
const share = (value) => (value == null ? '–' : `${(value * 100).toFixed(1)} %`)

function make(tag, content, className = '') {
  const element = document.createElement(tag)
  element.className = className
  element.append(...[content].flat())
  return element
}

const fill = (selector, children) => document.querySelector(selector).replaceChildren(...children)

function table(selector, heads, rows, numeric = []) {
  const cell = (tag) => (content, at) => make(tag, content, numeric.includes(at) ? 'number' : '')
  const body = rows.map((row) => make('tr', row.map(cell('td'))))
  fill(selector, rows.length ? [make('tr', heads.map(cell('th'))), ...body] : [make('caption', text.nothing)])
}

function numbers(seen) {
  const { jobs, queue, ended, storage } = seen
  const boxes = []
  const box = (name, value, bad = false) =>
    boxes.push(make('div', [make('dt', text[name]), make('dd', value)], bad ? 'bad' : ''))
  if (queue) box('queue', number.format(queue.messages))
  if (jobs) {
    box('queued', number.format(jobs.queued))
    box('oldest', seconds(jobs.oldest_due_seconds))
    box('running', number.format(jobs.running))
    box('failed', number.format(jobs.failed), jobs.failed > 0)
    box('uploads', number.format(seen.open_uploads))
    box('hour', `${share(ended.hour.success_ratio)} (${ended.hour.completed + ended.hour.failed})`)
    box('day', `${share(ended.day.success_ratio)} (${ended.day.completed + ended.day.failed})`)
    box('took', seconds(seen.processing_seconds))
  }
  if (queue) box('dead', number.format(queue.dead_messages), queue.dead_messages > 0)
  if (storage) {
    box('files', number.format(storage.files))
    box('stored', size(storage.object_bytes))
    box('sources', size(storage.source_bytes))
    box('instant', number.format(storage.instant_uploads))
    box('spared', size(storage.instant_bytes))
  }
  fill('#numbers', boxes)
}

function workers(found) {
  const one = ({ name, slots, started_at, seen_at, jobs }) => {
    const lastSeen = seen_at
      ? `${jobs.length} / ${slots} ${text.busy} · ${text.since} ${time(started_at)}`
      : text.silent
    const doing = jobs.map((job) =>
      make('li', `${job.filename || job.task_id} (${size(job.file_size)}): ${text.states[job.status] ?? job.status ?? '…'} ${job.progress ?? ''} %`),
    )
    return make('li', [make('strong', name), ' ', make('span', lastSeen, seen_at ? 'quiet' : 'silent'), make('ul', doing)])
  }
  fill('#workers', found.length ? found.map(one) : [make('li', text.noWorkers, 'silent')])
}

const post = (path, id) =>
  ask(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ id }),
  })

document.querySelector('#reprocess').addEventListener('submit', async (event) => {
  event.preventDefault()
  const { task, lastElementChild: said } = event.target
  const answer = await post('reprocess', task.value.trim())
  said.textContent = answer?.ok ? text.reprocessed : answer ? (await answer.json()).detail : text.away
})

function again(id) {
  const button = make('button', text.retry)
  button.type = 'button'
  button.setAttribute('aria-label', `${text.retry}: ${id}`)
  button.addEventListener('click', async () => {
    button.disabled = true
    const answer = await post('retry', id)
    if (answer?.ok) look()
    else trouble(answer ? (await answer.json()).detail : text.away)
  })
  return button
}

function show(seen) {
  numbers(seen)
  if (seen.workers) workers(seen.workers)
  if (seen.steps) {
    const rows = seen.steps.map(({ step, runs, mean_seconds }) => [text.stepNames[step] ?? step, number.format(runs), seconds(mean_seconds)])
    table('#steps', text.stepHeads, rows, [1, 2])
  }
  // Not while a person is about to press a button in it.
  if (seen.failures && !document.querySelector('#failures :focus, #letters :focus')) {
    table(
      '#failures',
      text.failureHeads,
      seen.failures.map((job) => [job.filename || job.task_id, size(job.file_size), String(job.user_id), time(job.created_at), `${job.error} (${job.code})`, again(job.task_id)]),
      [1],
    )
  }
  if (seen.dead_letters && !document.querySelector('#failures :focus, #letters :focus')) {
    const rows = seen.dead_letters.map(({ id, reason, preview }) => [id, reason, preview, again(id)])
    table('#letters', text.letterHeads, rows)
  }
  trouble(seen.away.length ? `${text.partsAway} ${seen.away.join(', ')}` : '')
}

function trouble(sentence) {
  const place = document.querySelector('#trouble')
  place.hidden = !sentence
  if (place.textContent !== sentence) place.textContent = sentence
}

const ask = (path, options = {}) =>
  fetch(api + path, { ...options, headers: { ...options.headers, ...access.headers() } }).catch(() => null)

let next
async function look() {
  clearTimeout(next)
  const answer = await ask('overview')
  if (answer?.status === 401) return access.ask()
  if (answer?.status === 403) return access.ask((await answer.json()).detail)
  if (answer?.ok) show(await answer.json())
  else trouble(text.away)
  next = setTimeout(look, EVERY_MS)
}

access.whenEntered(look)
look()

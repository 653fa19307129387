// The list of files: pages of the server's list, newest first, kept right by the stream of events.
import { keepLink } from './addresses.js'
import { arriving, hasFailed, sentShare, stopSending } from './arriving.js'
import { deletionOf } from './deletion.js'
import { detailsOf } from './details.js'
import { downloadChosen } from './archive.js'
import { followDeletions, tellDeleted } from './elsewhere.js'
import { followFolders } from './folder.js'
import { isViewed, openMedia } from './media.js'
import { notice, offerNotice } from './notify.js'
import { isEnded, newRow, showLink, showRow } from './row.js'
import { fits, offerSearch, query, whenSearched } from './search.js'
import { selectionOf } from './selection.js'
import { access, api, text } from './server.js'
import { showTitle } from './title.js'

const PAGE = 100
/** Rows that stay when new ones come on top: the page gets slow with thousands of them. */
const KEPT = 500
const BETWEEN = 1000
/** Seconds for which a new upload counts as being sent. */
const FRESH = 60
/** What of a task no event says. */
const LASTING = ['filename', 'relative_path', 'file_size', 'created_at', 'offset', 'listed']

const list = document.querySelector('#tasks')
const count = document.querySelector('#count')
const more = document.querySelector('#more')
const announced = document.querySelector('#said')
const tasks = new Map()
const rows = new Map()
/** Tasks of which events came that the rows that are read do not have. */
const elsewhere = new Set()
/** Uploads whose bytes were seen to move, or that began just now. */
const moving = new Set()
const refusals = new Map()
const deleted = new Set()
/** The cursor of the page that follows, of each task with which a page ended. */
const cursors = new Map()
let total = 0
let next = null

// -- one row

const deletion = deletionOf({
  begins: (id) => stopSending(id),
  changed(id) {
    refusals.delete(id)
    redraw(id)
  },
  gone(id) {
    tellDeleted(id)
    gone(id)
  },
  kept(id, why) {
    refuse(id, [text.kept, why].filter(Boolean).join(' '))
  },
  undone(ids) {
    const row = ids.map((id) => rows.get(id)).find(Boolean)
    ;(row?.querySelector('.remove') ?? document.querySelector('#mine')).focus()
  },
})
/** Says in its row, and to a screen reader, why what was clicked of a task is not done. */
function refuse(id, sentence) {
  refusals.set(id, sentence)
  announced.textContent = `${tasks.get(id)?.filename}: ${sentence}`
  redraw(id)
}
function gone(id) {
  deleted.add(id)
  drop(id)
}
const selection = selectionOf({
  remove: (ids) => deletion.request(ids),
  zip: (ids) => downloadChosen(ids, ids.length === total ? query() : undefined),
})
followFolders((ids) => deletion.request(ids))
const details = detailsOf(
  (row) => (tasks.get(row.dataset.task)?.detailed === false ? row.dataset.task : null),
  (id, { progress, renditions: listed, link }) => {
    const task = tasks.get(id)
    if (!task) return
    const isOlder = progress.epoch === task.epoch && progress.seq < task.seq
    const { filename, file_size, offset } = progress
    if (link) keepLink(id, link)
    put({ ...task, ...(isOlder ? { filename, file_size, offset } : progress), listed, detailed: true })
  },
)

function redraw(id) {
  const task = tasks.get(id)
  const row = rows.get(id)
  if (!row) return
  const sent = arriving(id)
  showRow(row, task, {
    waits: deletion.waits(id),
    isDue: deletion.isDue(id),
    sent,
    isStill: task.status === 'pending' && !sent && !moving.has(id),
    refusal: refusals.get(id),
  })
}

function put(task) {
  tasks.set(task.task_id, task)
  redraw(task.task_id)
}

function add(task, before) {
  const row = newRow(task.task_id)
  row.querySelector('.remove').addEventListener('click', () => {
    if (deletion.waits(task.task_id)) deletion.undo([task.task_id])
    else deletion.request([task.task_id])
  })
  rows.set(task.task_id, row)
  put({ ...task, detailed: false })
  list.insertBefore(row, before)
  details.watch(row)
}

/** Takes a row away; the focus of the keyboard goes to the row beside it. */
function drop(id) {
  if (!tasks.has(id)) return
  const row = rows.get(id)
  if (row?.contains(document.activeElement)) {
    const beside = row.nextElementSibling ?? row.previousElementSibling
    ;(beside?.querySelector('.remove') ?? document.querySelector('#mine')).focus()
  }
  if (row) takeOut(row)
  for (const kept of [tasks, moving, refusals]) kept.delete(id)
  selection.forget(id)
  total = Math.max(0, total - 1)
  showCount()
}

function takeOut(row) {
  details.forget(row)
  row.remove()
  for (const kept of [rows, cursors]) kept.delete(row.dataset.task)
}

/** Whether the list knows a task. */
export const isListed = (id) => tasks.has(id)

/**
 * Takes the oldest rows out, unless a person is near to them: they are read again when a person comes there. Their
 * tasks are followed as before.
 */
function shorten() {
  if (rows.size < KEPT + PAGE) return
  if (list.children[KEPT].getBoundingClientRect().top < 3 * innerHeight) return
  const far = []
  for (let row = list.lastElementChild; rows.size - far.length > KEPT && !isUsed(row); row = row.previousElementSibling) far.push(row)
  // What is read then begins behind the last row that stays.
  const behind = () => cursors.get(far.at(-1).previousElementSibling.dataset.task)
  while (far.length && !behind()) far.pop()
  if (!far.length) return
  next = behind()
  for (const row of far) takeOut(row)
}

/** Whether a person does something with a row. */
const isUsed = (row) => row.matches('[data-plays], [data-waits], :focus-within, :has(.pick:checked)') || refusals.has(row.dataset.task)

/** Takes what the list says of a task that has a row. */
function take(entry) {
  const known = tasks.get(entry.task_id)
  if (entry.progress > known.progress) moving.add(entry.task_id)
  if (known.status === entry.status) return put({ ...known, ...entry, progress: Math.max(known.progress, entry.progress) })
  tellNews(known, entry)
  put({ ...lasting(known), ...entry, detailed: false })
}

/** Says that a task has ended, on the page and outside of it. */
function tellNews(known, { status }) {
  if (known.status === status || !isEnded({ status })) return
  announced.textContent = `${known.filename}: ${text[status]}`
  notice(known.filename, text[status])
}

const lasting = (task) => Object.fromEntries(LASTING.filter((name) => name in task).map((name) => [name, task[name]]))

// -- events

let held
let unplaced = []

/** Shows what an event says of a task. */
export function showEvent(event) {
  if (held) held.push(event)
  else follow(event)
}

function follow(event) {
  const id = event.task_id
  const known = tasks.get(id)
  if (event.error_code === 'upload_terminated') return drop(id)
  if (!fits(event.status)) return drop(id)
  if (deleted.has(id) || elsewhere.has(id)) return
  if (!known) {
    unplaced.push(event)
    return look()
  }
  if (event.status === 'pending' && event.progress !== known.progress) moving.add(id)
  const isNews = isEnded(event) && known.status !== event.status
  const isStale = isNews || (event.status === 'pending' && event.offset === undefined)
  put({ ...lasting(known), ...event, detailed: known.detailed && !isStale })
  details.readOn()
  tellNews(known, event)
  showState()
}

let looking
let lookedAt = -Infinity
/** Reads the head of the list for tasks that have no row, once a second at most. */
function look() {
  looking ??= setTimeout(async () => {
    looking = undefined
    await inTurn(() => readPages(new Set(unplaced.map((event) => event.task_id))))
  }, Math.max(0, lookedAt + BETWEEN - performance.now()))
}

// -- reading

let turn = Promise.resolve()
const inTurn = (work) => (turn = turn.then(work, work))

/** A page of the list, with the status of the answer and its time; `version` ends what is read for an earlier search. */
let version = 0
async function pageAt(cursor, size = PAGE) {
  const parameters = query()
  parameters.set('size', size)
  if (cursor) parameters.set('cursor', cursor)
  const answer = await fetch(`${api}tasks?${parameters}`, { headers: access.headers() }).catch(() => null)
  if (!answer?.ok) return { status: answer?.status ?? 0 }
  const now = Date.parse(answer.headers.get('Date')) || Date.now()
  const body = await answer.json().catch(() => null)
  return body ? { status: answer.status, now, ...body } : { status: 0 }
}

/**
 * Reads the list from its head, down to where the rows are right again: no gap to what was read before, all of
 * `wanted` found. Events wait meanwhile: they are newer than the answer, or say the same.
 */
async function readPages(wanted) {
  const begun = version
  const placed = unplaced
  held = []
  unplaced = []
  let at = list.firstElementChild
  let cursor = null
  let page
  do {
    page = await pageAt(cursor)
    if (version !== begun || !page.tasks) break
    total = page.total
    let isKnown = true
    for (const entry of page.tasks) {
      wanted.delete(entry.task_id)
      if (deleted.has(entry.task_id)) continue
      const row = rows.get(entry.task_id)
      isKnown = row !== undefined
      if (isKnown) {
        at = dropUpTo(row, at)
        take(entry)
      } else {
        if (page.now - Date.parse(entry.created_at) < FRESH * 1000) moving.add(entry.task_id)
        add(entry, at)
      }
    }
    cursor = page.next
    keepCursor(page)
    if (!cursor) dropUpTo(null, at)
    if (!cursor || !at) {
      next = cursor
      break
    }
    if (isKnown && !wanted.size) break
  } while (true)
  lookedAt = performance.now()
  const events = [...placed, ...held]
  held = undefined
  if (version !== begun) return 0
  if (!page.tasks) {
    // The next event, or the next reading of the list, looks for them again.
    unplaced = events.filter((event) => !tasks.has(event.task_id))
    for (const event of events) if (tasks.has(event.task_id)) follow(event)
    return page.status
  }
  total = page.total
  for (const { task_id } of placed) if (!tasks.has(task_id)) elsewhere.add(task_id)
  for (const event of events) follow(event)
  shorten()
  showCount()
  details.readOn()
  return page.status
}

/** Keeps where the page that follows begins. */
function keepCursor({ tasks: entries, next: cursor }) {
  if (cursor) cursors.set(entries.at(-1).task_id, cursor)
}

/** Takes the rows from `at` up to `row` away, which the list has no longer; the row behind it. */
function dropUpTo(row, at) {
  while (at && at !== row) {
    const gone = at
    at = at.nextElementSibling
    drop(gone.dataset.task)
  }
  return row ? row.nextElementSibling : null
}

/** Reads the list again, down to the last file that was not ready; the status of the answer, 0 without one. */
export function readList() {
  moving.clear()
  elsewhere.clear()
  const open = [...tasks.values()].filter((task) => !isEnded(task)).map((task) => task.task_id)
  return inTurn(() => readPages(new Set(open)))
}

/** Reads the list again if it has fewer files than were read. */
async function lookForMissing() {
  const { total: there } = await pageAt(null, 1)
  if (there < (next ? total : rows.size)) await readPages(new Set(rows.keys()))
}
followDeletions(gone, () => inTurn(lookForMissing))

async function readMore() {
  if (!next) return
  const begun = version
  more.disabled = true
  // Events wait, as in `readPages`: one that comes behind the answer's state would be passed over.
  held = []
  const page = await pageAt(next)
  const events = held
  held = undefined
  more.disabled = false
  if (version !== begun) return
  if (page.tasks) {
    total = page.total
    next = page.next
    keepCursor(page)
    for (const entry of page.tasks) {
      elsewhere.delete(entry.task_id)
      if (!rows.has(entry.task_id) && !deleted.has(entry.task_id)) add(entry, null)
    }
  }
  for (const event of events) follow(event)
  showCount()
  details.readOn()
}

whenSearched(() => {
  version++
  for (const row of rows.values()) details.forget(row)
  list.replaceChildren()
  for (const kept of [rows, tasks, elsewhere, cursors]) kept.clear()
  selection.clear()
  next = null
  inTurn(() => readPages(new Set()))
})
more.addEventListener('click', () => inTurn(readMore))
const end = new IntersectionObserver((entries) => {
  // A busy page gets several at once: the last one is how it is now.
  if (entries.at(-1).isIntersecting) inTurn(readMore).then(watchEnd)
}, { rootMargin: '600px' })
/** Reads more when the button comes near, also if it does not leave in between. */
function watchEnd() {
  end.unobserve(more)
  end.observe(more)
}
watchEnd()

// -- what the files show

list.addEventListener('click', ({ target }) => {
  const clicked = target.closest('.tile button, .actions > *')
  if (!clicked) return
  const row = clicked.closest('li')
  if (refusals.delete(row.dataset.task)) redraw(row.dataset.task)
  if (clicked.closest('.tile')) openMedia(row, tasks.get(row.dataset.task), beside, (link, task) => showLink(link, text.download, task.filename, task, true))
})

list.addEventListener('away', ({ target }) => refuse(target.closest('li').dataset.task, text.away))

/** The next task from that of an id that the viewer shows, in steps of 1 or -1; null at the end of the list. */
async function beside(id, step) {
  /** Rows whose details were requested: the server may have none, or not answer. */
  const requested = new Set()
  for (let row = rows.get(id); row; ) {
    const following = step > 0 ? 'nextElementSibling' : 'previousElementSibling'
    if (!row[following] && step > 0) await inTurn(readMore)
    row = row[following]
    if (row && !requested.has(row) && !tasks.get(row.dataset.task).detailed) {
      const ahead = []
      for (let each = row; each && ahead.length < PAGE; each = each[following]) ahead.push(each)
      for (const each of ahead) requested.add(each)
      await details.readRows(ahead)
    }
    const task = row && tasks.get(row.dataset.task)
    if (task && isViewed(task)) return task
  }
  return null
}

// -- what is said about the whole

let isShowing = false
/** Shows the figures once for all changes of a moment. */
function showState() {
  if (isShowing) return
  isShowing = true
  setTimeout(() => {
    isShowing = false
    let open = 0
    for (const task of tasks.values()) if (!isEnded(task) && (task.status !== 'pending' || moving.has(task.task_id))) open++
    showTitle(sentShare(), open)
    offerNotice(open > 0)
  }, 100)
}

function showCount() {
  const isSearched = String(query()) !== ''
  offerSearch(total > 0 || isSearched)
  document.querySelector('#bar').hidden = rows.size === 0
  count.textContent = rows.size < total ? text.shown(rows.size, total) : text.files(rows.size)
  const none = document.querySelector('#none')
  // Its place is always there: a screen reader says what changes in it.
  if (rows.size) none.textContent = ''
  else none.textContent = isSearched ? text.nothing : text.none
  more.hidden = !next
  selection.show()
  showState()
}

/** Shows the bytes of a task that this page sends. */
export function showArriving(id) {
  if (hasFailed(id)) moving.delete(id)
  else moving.add(id)
  redraw(id)
  showState()
}

// Which files the list shows: by a part of the name, by state, by date.
const PAUSE = 250
const form = document.querySelector('#find')
const STATES = { pending: 'receiving', completed: 'completed', failed: 'failed' }

/** The state of the list's filter to which a status belongs. */
const stateOf = (status) => STATES[status] ?? 'processing'

/** Midnight of a day here, or of the day after, as the list's parameter. */
function midnight(day, after = 0) {
  const [year, month, date] = day.split('-').map(Number)
  return new Date(year, month - 1, date + after).toISOString()
}

/** The parameters of the list that the form means. */
export function query() {
  const { name, folder, state, from, until } = Object.fromEntries(new FormData(form))
  const found = new URLSearchParams()
  if (name.trim()) found.set('name', name.trim())
  if (folder) found.set('folder', folder)
  if (state) found.set('state', state)
  if (from) found.set('created_from', midnight(from))
  if (until) found.set('created_before', midnight(until, 1))
  return found
}

/** Whether a task of this status can be among those that are found. */
export const fits = (status) => !form.elements.state.value || form.elements.state.value === stateOf(status)

/** Calls `then` after each change of the form. */
export function whenSearched(then) {
  let timer
  form.addEventListener('submit', (event) => event.preventDefault())
  form.addEventListener('input', ({ target }) => {
    clearTimeout(timer)
    timer = setTimeout(then, target.type === 'search' ? PAUSE : 0)
  })
}

/** Shows only files of a folder, all files for ''. */
export function searchIn(folder) {
  form.elements.folder.value = folder
  form.dispatchEvent(new Event('input'))
}

/** Shows the form where there is something to search. */
export function offerSearch(is) {
  form.hidden = !is
}

// The folder that the list shows: its path, and what can be done to all of its files.
import { downloadZip } from './archive.js'
import { searchIn } from './search.js'
import { access, api, text } from './server.js'

const bar = document.querySelector('#folder')
const path = bar.querySelector('.path')
const said = bar.querySelector('.said')
let shown = ''

/** Follows the folders of rows; `remove` is called with all files of the one that is shown. */
export function followFolders(remove) {
  document.querySelector('main').addEventListener('click', ({ target }) => {
    if (target.dataset?.folder === undefined) return
    open(target.dataset.folder)
  })
  bar.querySelector('.leave').addEventListener('click', () => open(''))
  bar.querySelector('.zip').addEventListener('click', () => downloadZip({ folder: shown }))
  bar.querySelector('.delete').addEventListener('click', async () => {
    said.textContent = ''
    const ids = await filesIn(shown)
    if (ids) remove(ids)
    else said.textContent = text.kept
  })
}

function open(folder) {
  shown = folder
  said.textContent = ''
  bar.hidden = !folder
  const parts = folder.split('/')
  path.replaceChildren(...parts.flatMap((name, at) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = name
    button.dataset.folder = parts.slice(0, at + 1).join('/')
    button.setAttribute('aria-label', text.showFolder(button.dataset.folder))
    return at ? [' / ', button] : [button]
  }))
  searchIn(folder)
  ;(folder ? path.lastChild : document.querySelector('#mine')).focus()
}

/** The ids of all files in a folder, also of those that have no row yet; null if they are not known. */
async function filesIn(folder) {
  const ids = []
  const parameters = new URLSearchParams({ folder, size: 100 })
  let page
  do {
    const answer = await fetch(`${api}tasks?${parameters}`, { headers: access.headers() }).catch(() => null)
    if (answer?.status === 401) access.ask()
    // Half a folder is not deleted.
    if (!answer?.ok) return null
    page = await answer.json()
    ids.push(...page.tasks.map((task) => task.task_id))
    parameters.set('cursor', page.next)
  } while (page.next)
  return ids
}

// Several files as one zip: chosen ones, or all that a query of the list finds.
import { access, api, text } from './server.js'

/** How many chosen files an address has room for. */
const MOST = 250
const said = document.querySelector('#archive')

/** Downloads what is `wanted`, the body of the request for a link. */
export async function downloadZip(wanted) {
  said.textContent = ''
  const answer = await fetch(`${api}archives`, {
    method: 'POST',
    headers: access.headers(),
    body: JSON.stringify(wanted),
  }).catch(() => null)
  const found = await answer?.json().catch(() => null)
  if (answer?.status === 401) access.ask()
  if (!answer?.ok || !found) {
    said.textContent = [text.zipRefused, text.refusals[found?.code] ?? found?.detail].filter(Boolean).join(' ')
    return
  }
  if (found.unfinished) said.textContent = text.zipLeftOut(found.unfinished)
  const link = document.createElement('a')
  link.href = found.url
  link.download = ''
  link.click()
}

/** Downloads chosen files; `query` is what finds them if they are all that the list has, otherwise undefined. */
export function downloadChosen(ids, query) {
  if (ids.length <= MOST) return downloadZip({ task_ids: ids })
  if (query) return downloadZip(Object.fromEntries(query))
  said.textContent = text.zipTooMany(MOST)
}

// The button for links of a file. Their dialog is loaded when it is first needed.
import { language } from './common.js'
import { load, sayAway } from './later.js'
import { access, api, text } from './server.js'

/** Shows the button in a row while the file can have links. */
export function showLinksButton(button, task, isShown) {
  const name = task.filename || task.task_id
  button.hidden = !isShown
  button.textContent = text.link
  button.setAttribute('aria-label', `${text.link} ${name}`)
  button.onclick = async () => {
    const shares = await load('shares')
    if (!shares) return sayAway(button)
    shares.openShares({ task: task.task_id, name, api, access, language })
  }
}

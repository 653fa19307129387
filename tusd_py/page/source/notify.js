// Says outside of the page that files are ready, while its tab is hidden; only if a person chose that.
import { text } from './server.js'

const KEPT = 'tusd-notify'
const button = document.querySelector('#notify')
const ended = []

// Plain HTTP has none.
const isThere = 'Notification' in window && isSecureContext
const isOn = () => isThere && Notification.permission === 'granted' && localStorage.getItem(KEPT) === 'on'

/** Offers the button while there is something to wait for. */
export function offerNotice(isWaiting) {
  button.hidden = !isThere || Notification.permission === 'denied' || !isWaiting
  button.setAttribute('aria-pressed', isOn())
}

button.addEventListener('click', async () => {
  if (isOn()) localStorage.removeItem(KEPT)
  else if ((await Notification.requestPermission()) === 'granted') localStorage.setItem(KEPT, 'on')
  offerNotice(true)
})

/** Says that a file has ended; one notice for all that end while the tab is hidden. */
export function notice(name, state) {
  if (!document.hidden || !isOn()) return
  ended.push(`${name}: ${state}`)
  try {
    const shown = new Notification(ended.length > 1 ? text.ended(ended.length) : ended[0], { body: ended.length > 1 ? ended.slice(-3).join('\n') : '', tag: KEPT })
    shown.onclick = () => {
      focus()
      shown.close()
    }
  } catch {
    // Browsers of phones have it, and refuse it to pages.
  }
}
document.addEventListener('visibilitychange', () => (ended.length = 0))

// The receiver's page works without this: it shows times in the reader's own zone.
import './receiver.css'

const { lang } = document.documentElement
for (const element of document.querySelectorAll('time')) {
  element.textContent = new Date(element.dateTime).toLocaleString(lang, { dateStyle: 'long', timeStyle: 'short' })
}

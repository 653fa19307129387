// How the files are shown: as a list or as a grid of pictures; remembered.
import { text } from './server.js'

const KEPT = 'tusd-view'
const list = document.querySelector('#tasks')
const group = document.querySelector('#view')
const buttons = group.querySelectorAll('button')

function show(view) {
  list.dataset.view = view
  for (const button of buttons) button.setAttribute('aria-pressed', button.value === view)
}

for (const button of buttons) {
  button.addEventListener('click', () => {
    localStorage.setItem(KEPT, button.value)
    show(button.value)
  })
}
group.setAttribute('aria-label', text.shownAs)
show(localStorage.getItem(KEPT) === 'grid' ? 'grid' : 'list')

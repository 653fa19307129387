// Several rows picked, to be deleted or downloaded at once.
import { text } from './server.js'

const list = document.querySelector('#tasks')
const all = document.querySelector('#all')
const button = document.querySelector('#remove-picked')
const zipButton = document.querySelector('#zip-picked')

/** Follows the boxes of the rows; `remove` and `zip` are called with the tasks that are picked. */
export function selectionOf({ remove, zip }) {
  const picked = new Set()
  let last = null

  const boxes = () => [...list.querySelectorAll('.pick')]
  const idOf = (box) => box.closest('li').dataset.task
  function set(box, is) {
    box.checked = is
    if (is) picked.add(idOf(box))
    else picked.delete(idOf(box))
  }

  list.addEventListener('click', ({ target, shiftKey }) => {
    if (!target.matches('.pick')) return
    const found = boxes()
    const [from, to] = [found.indexOf(last), found.indexOf(target)].sort((a, b) => a - b)
    const range = shiftKey && from >= 0 ? found.slice(from, to + 1) : [target]
    for (const box of range) set(box, target.checked)
    last = target
    show()
  })
  all.addEventListener('click', () => {
    for (const box of boxes()) set(box, all.checked)
    show()
  })
  button.addEventListener('click', () => {
    const ids = [...picked]
    for (const box of boxes()) set(box, false)
    show()
    remove(ids)
    all.focus()
  })

  zipButton.addEventListener('click', () => zip([...picked]))

  function show() {
    zipButton.hidden = !picked.size
    zipButton.textContent = text.zipPicked(picked.size)
    button.hidden = !picked.size
    button.textContent = text.removePicked(picked.size)
    const rows = list.childElementCount
    all.checked = rows > 0 && picked.size === rows
    all.indeterminate = picked.size > 0 && picked.size < rows
  }

  return {
    /** A row is no longer there. */
    forget(id) {
      if (picked.delete(id)) show()
    },
    clear() {
      picked.clear()
      show()
    },
    show,
  }
}

// The viewer of pictures: a dialog over the page, with the next and the previous one by keys, buttons and swipes.
const SWIPE_PIXELS = 50
const root = document.documentElement

/**
 * Opens the viewer. An item is {id, name, facts, show(element, failed), link(element)}; `beside` finds the item that
 * is a step, 1 or -1, from that of an id, null if there is none; `closed` gets the id of the last one that was shown.
 */
export function openViewer(first, beside, text, closed) {
  const dialog = document.createElement('dialog')
  dialog.className = 'viewer'
  dialog.innerHTML = `
    <header><h2 id="viewer-name" aria-live="polite"></h2><a class="download" download></a><button type="button" class="close" autofocus>✕</button>
    <p></p></header>
    <button type="button" class="previous">‹</button><img><p class="failed" role="status"></p><button type="button" class="next">›</button>`
  const part = (selector) => dialog.querySelector(selector)
  dialog.setAttribute('aria-labelledby', 'viewer-name')
  for (const name of ['close', 'previous', 'next']) part(`.${name}`).setAttribute('aria-label', text[name])
  const steps = { 1: part('.next'), '-1': part('.previous') }
  let shown

  async function show(item) {
    shown = { ...item }
    const now = shown
    const picture = new Image()
    part('h2').textContent = item.name
    part('header p').textContent = item.facts
    part('.failed').textContent = ''
    item.link(part('a'))
    picture.alt = item.name
    item.show(picture, () => {
      if (shown === now) part('.failed').textContent = text.notShown
    })
    part('img').replaceWith(picture)
    await Promise.all([1, -1].map(async (step) => {
      now[step] = undefined
      const found = await beside(item.id, step)
      if (shown !== now) return
      now[step] = found
      // A button that has the focus keeps it.
      steps[step].setAttribute('aria-disabled', !found)
      // It is in the browser's memory when it is wanted.
      if (found) found.show(new Image(), () => {})
    }))
  }

  /** Shows what is a step away, as soon as it is known. */
  async function go(step) {
    const now = shown
    const found = now[step] === undefined ? await beside(now.id, step) : now[step]
    if (found && shown === now) show(found)
  }

  part('.close').addEventListener('click', () => dialog.close())
  for (const step of [1, -1]) steps[step].addEventListener('click', () => go(step))
  dialog.addEventListener('keydown', ({ key }) => {
    if (key === 'ArrowRight') go(1)
    if (key === 'ArrowLeft') go(-1)
  })
  let from = null
  dialog.addEventListener('touchstart', ({ touches }) => (from = touches.length === 1 ? touches[0].clientX : null), { passive: true })
  dialog.addEventListener('touchend', ({ changedTouches: [{ clientX }] }) => {
    if (from !== null && Math.abs(clientX - from) > SWIPE_PIXELS) go(clientX < from ? 1 : -1)
    from = null
  })
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close())
  dialog.addEventListener('close', () => {
    dialog.remove()
    delete root.dataset.views
    closed(shown.id)
  })
  document.body.append(dialog)
  // What is behind it does not scroll.
  root.dataset.views = ''
  show(first)
  dialog.showModal()
}

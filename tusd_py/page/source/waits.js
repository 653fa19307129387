// Says what uploads wait for: a sentence for each reason, with the names of the files.
const NAMES = 3
const place = document.querySelector('#waits')
const waits = new Set()

/** Says that the file `name` waits, and why, until the function that it returns is called. */
export function sayWhy(name, reason) {
  const wait = { name, reason }
  waits.add(wait)
  show()
  return () => {
    waits.delete(wait)
    show()
  }
}

function show() {
  const names = new Map()
  for (const { name, reason } of waits) names.set(reason, [...(names.get(reason) ?? []), name])
  const lines = [...names].map(([reason, of]) => {
    const more = of.length > NAMES ? ` +${of.length - NAMES}` : ''
    return `${reason} (${of.slice(0, NAMES).join(', ')}${more})`
  })
  const shown = [...place.children].map((line) => line.textContent)
  if (lines.join('\n') === shown.join('\n')) return
  place.replaceChildren(
    ...lines.map((line) => {
      const paragraph = document.createElement('p')
      paragraph.textContent = line
      return paragraph
    }),
  )
}

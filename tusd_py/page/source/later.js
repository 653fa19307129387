// What is needed after a click only: bundles that are imported then.
let tries = 0

/** Imports a bundle; null without the server. */
export async function load(name) {
  const address = new URL(`page/${name}.js`, document.baseURI)
  // Browsers keep that an address failed for as long as the page is open.
  if (tries) address.searchParams.set('try', tries)
  try {
    return await import(address.href)
  } catch {
    tries++
    return null
  }
}

/** Says to the list that what was clicked in a row was not there. */
export const sayAway = (element) => element.dispatchEvent(new Event('away', { bubbles: true }))

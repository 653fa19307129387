// Mends what Uppy's tray is to people who hear it: the buttons of all files are called the same, and a file alone is in no list.

/** Adds the name of its file to each button that pauses or resumes, and the role of the list, below an element. */
export function nameButtons(tray) {
  const mend = () => {
    tray.querySelector('.uppy-Dashboard-files')?.setAttribute('role', 'list')
    for (const button of tray.querySelectorAll('.uppy-Dashboard-Item-progressIndicator')) {
      const name = button.closest('.uppy-Dashboard-Item').querySelector('.uppy-Dashboard-Item-name').textContent
      const label = `${button.title} ${name}`
      if (button.ariaLabel !== label) button.ariaLabel = label
    }
  }
  new MutationObserver(mend).observe(tray, { subtree: true, childList: true, attributeFilter: ['title'] })
}

// Takes the place of Uppy's own sizes in the build, so that its tray counts as the list does.
export { size as prettierBytes } from './size.js'

// The component as a script without an import: <script src="https://…/page/tusd-upload.js"></script>.
import { elementFrom } from './tusd-upload.js'

const worker = new URL('hash-worker.js', document.currentScript.src).href
if (!customElements.get('tusd-upload')) customElements.define('tusd-upload', elementFrom(worker))

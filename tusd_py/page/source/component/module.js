// The component as a module: import 'tusd-upload'.
import { elementFrom } from './tusd-upload.js'

export const TusdUpload = elementFrom(new URL('./hash-worker.js', import.meta.url).href)
if (!customElements.get('tusd-upload')) customElements.define('tusd-upload', TusdUpload)

// The page at /: files in, their way shown, files out.
import '@uppy/core/css/style.min.css'
import '@uppy/dashboard/css/style.min.css'
import './page.css'
import './sending.js'
import { access } from './server.js'
import { follow } from './stream.js'

access.whenEntered(follow)
follow()

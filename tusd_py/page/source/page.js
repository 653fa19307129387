// The page at /: files in, their way shown, files out.
import '@uppy/core/css/style.min.css'
import '@uppy/dashboard/css/style.min.css'
import './page.css'
import { followSending } from './arriving.js'
import { showArriving } from './list.js'
import { addressOf, uppy } from './sending.js'
import { access } from './server.js'
import { follow } from './stream.js'
import { nameButtons } from './tray-names.js'
import { emptyTray } from './tray.js'
import './view.js'

followSending(uppy, addressOf, showArriving)
emptyTray(uppy)
nameButtons(document.querySelector('#drop'))
access.whenEntered(follow)
follow()

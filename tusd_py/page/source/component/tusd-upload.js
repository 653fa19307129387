// <tusd-upload>: a field of a form that sends files to tusd-py as soon as they are chosen. Its value are the ids of the uploads.
import { COMPONENT, languageOf, SENDING } from '../languages.js'
import { reached } from '../line.js'
import { size } from '../size.js'
import { accessBy, tokenFrom } from './access.js'
import { SentFile } from './file.js'
import { hashingFrom } from './hash-worker-from.js'
import { isAccepted } from './rules.js'
import css from './tusd-upload.css'

/** An element with attributes (`class`, `part`, ...) and children. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

const markup = () => [
  make('div', { class: 'drop', part: 'drop' },
    make('button', { class: 'choose', part: 'button', type: 'button', 'aria-describedby': 'hint' }),
    make('span', { class: 'hint', part: 'hint', id: 'hint' }, make('span', { class: 'how' }), ' ', make('span', { class: 'limits' })),
    make('input', { type: 'file', hidden: '' })),
  make('p', { class: 'refused', part: 'refused', role: 'alert', hidden: '' }),
  make('ul', { part: 'list' }),
  make('span', { class: 'said', role: 'status' }),
]
const newRow = (name) =>
  make('li', { part: 'file' },
    make('span', { class: 'about' },
      make('span', { class: 'name', part: 'name' }, name),
      make('span', { class: 'state', part: 'state' })),
    make('span', { class: 'actions' },
      make('button', { class: 'retry', part: 'action', type: 'button' }),
      make('button', { class: 'remove', part: 'action', type: 'button' })),
    make('progress', { part: 'progress', max: '100' }))

/** The class of the element, for a script at an address with `hash-worker.js` beside it. */
export function elementFrom(workerAddress) {
  let hashOf

  return class TusdUpload extends HTMLElement {
    static formAssociated = true
    static observedAttributes = ['accept', 'lang', 'max-size', 'multiple', 'name', 'required']

    /** More metadata of each file, such as {profile: 'small'}. */
    metadata = {}
    #internals = this.attachInternals()
    #root = this.attachShadow({ mode: 'open', delegatesFocus: true })
    #files = new Map()
    #token = null
    #access = this.#newAccess()
    #isPaused = false
    #isBusy = false

    constructor() {
      super()
      this.#root.append(...markup())
      // A style element would need 'unsafe-inline' in the content policy of the page.
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(css)
      this.#root.adoptedStyleSheets = [sheet]
      const input = this.#part('input')
      this.#part('.choose').addEventListener('click', () => this.choose())
      input.addEventListener('change', () => {
        this.add(input.files)
        // The same file can be chosen again.
        input.value = ''
      })
      this.addEventListener('dragover', (event) => this.#over(event, true))
      this.addEventListener('dragleave', (event) => this.#over(event, false))
      this.addEventListener('drop', (event) => {
        this.#over(event, false)
        if (!this.#part('.choose').disabled) this.add(event.dataTransfer.files)
      })
    }

    connectedCallback() {
      this.#speak()
      this.#state()
      if (this.#isBusy) addEventListener('beforeunload', warn)
      if (!this.#isPaused) this.#sendAll()
    }

    disconnectedCallback() {
      // Where it is put into the page again, or the same file is chosen again, it goes on.
      for (const file of this.#onTheirWay()) file.stop()
      removeEventListener('beforeunload', warn)
    }

    attributeChangedCallback() {
      this.#speak()
      this.#state()
    }

    formResetCallback() {
      this.reset()
    }

    formDisabledCallback(isDisabled) {
      this.#part('.choose').disabled = isDisabled
    }

    // -- what a page sets and reads

    get endpoint() {
      return new URL(this.getAttribute('endpoint') ?? '/files/', document.baseURI).href
    }

    get tokenUrl() {
      return this.getAttribute('token-url')
    }

    /** A token, or a function that returns one or a promise of one; it is called again when the token has run out. */
    set token(token) {
      this.#token = token
      // What is on its way takes it when its own is refused; what waits for one takes it at once.
      this.#access = this.#newAccess()
      reached()
    }

    get form() {
      return this.#internals.form
    }

    /** The ids of the uploads that are complete. */
    get value() {
      return this.#sent().map((file) => file.id)
    }

    /** What there is of each file: {file, name, size, sent, state, id, url, message}. */
    get files() {
      return [...this.#files.keys()].map(detailOf)
    }

    get isSending() {
      return this.#onTheirWay().length > 0
    }

    checkValidity() {
      return this.#internals.checkValidity()
    }

    reportValidity() {
      return this.#internals.reportValidity()
    }

    get validationMessage() {
      return this.#internals.validationMessage
    }

    get validity() {
      return this.#internals.validity
    }

    /** Opens the browser's dialog for files; it needs a click of a person. */
    choose() {
      this.#part('input').click()
    }

    /** Adds files and sends them. One that is not taken is not sent: the page shows why. */
    add(files) {
      const added = [...files].filter((file) => this.#takes(file))
      this.#complain(added.length < files.length ? this.#refusalOf([...files].find((file) => !added.includes(file))) : '')
      if (!this.multiple && added.length) {
        this.reset()
        added.splice(0, added.length - 1)
      }
      for (const data of added) this.#begin(data)
      this.#state()
    }

    /** Sends no further byte until `resume`. */
    pause() {
      this.#isPaused = true
      for (const file of this.#onTheirWay()) {
        file.stop()
        this.#show(file)
      }
    }

    resume() {
      if (!this.#isPaused) return
      this.#isPaused = false
      this.#sendAll()
    }

    /** Takes a file of `files` out; one that is not complete is removed on the server too. */
    removeFile({ file }) {
      const found = [...this.#files.keys()].find((each) => each.file === file)
      if (!found) return
      found.cancel(this.#access)
      this.#files.get(found).remove()
      this.#files.delete(found)
      this.#state()
    }

    /** Takes all files out. */
    reset() {
      for (const file of [...this.#files.keys()]) this.removeFile(file)
      this.#complain('')
    }

    // -- one file

    #newAccess() {
      return accessBy(() => this.#token ?? (this.tokenUrl ? () => tokenFrom(this.tokenUrl) : null))
    }

    #begin(data) {
      const file = new SentFile(data, (changed) => this.#show(changed))
      const row = newRow(data.name)
      row.querySelector('.retry').addEventListener('click', () => this.#send(file))
      row.querySelector('.remove').addEventListener('click', () => {
        this.removeFile(file)
        this.#part('.choose').focus()
      })
      this.#files.set(file, row)
      this.#part('ul').append(row)
      if (this.#isPaused) this.#show(file)
      else this.#send(file)
    }

    #send(file) {
      hashOf ??= hashingFrom(workerAddress)
      const server = { endpoint: this.endpoint, access: this.#access, text: this.#text, hashOf }
      file.send(server, this.metadata)
    }

    #sendAll() {
      for (const file of this.#onTheirWay()) this.#send(file)
    }

    #show(file) {
      const row = this.#files.get(file)
      if (!row) return
      const { state, message, reason, sent } = file
      const { name, size: total } = file.file
      const text = this.#text
      const isNews = row.dataset.state !== state
      row.dataset.state = state
      const said = this.#isPaused && file.isOnItsWay ? text.paused : message || reason || text[state]
      const bytes = { sending: text.sentOf(size(sent), size(total)), sent: size(total) }[reason ? '' : state]
      row.querySelector('.state').textContent = bytes ? `${said} · ${bytes}` : said
      const bar = row.querySelector('progress')
      bar.hidden = !file.isOnItsWay
      if (state === 'sending') bar.value = total ? (100 * sent) / total : 100
      else bar.removeAttribute('value')
      bar.setAttribute('aria-label', `${name}: ${text[state]}`)
      const label = (selector, what) => {
        row.querySelector(selector).textContent = what
        row.querySelector(selector).setAttribute('aria-label', `${what} ${name}`)
      }
      label('.remove', file.isOnItsWay ? text.cancel : text.remove)
      label('.retry', text.retry)
      row.querySelector('.retry').hidden = state !== 'refused'
      if (!isNews) {
        if (state === 'sending') this.#say('tusd-progress', file)
        return
      }
      if (state === 'sent') this.#say('tusd-success', file)
      if (state === 'refused') this.#say('tusd-error', file)
      if (!file.isOnItsWay) this.#part('.said').textContent = `${name}: ${message || text[state]}`
      this.#state()
    }

    #say(type, file) {
      this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, detail: detailOf(file) }))
    }

    // -- all of them

    #onTheirWay() {
      return [...this.#files.keys()].filter((file) => file.isOnItsWay)
    }

    #sent() {
      return [...this.#files.keys()].filter((file) => file.state === 'sent')
    }

    /** Takes over what the form is to know: the value, and whether it may be submitted. */
    #state() {
      const ids = this.value
      const data = new FormData()
      for (const id of ids) data.append(this.getAttribute('name') ?? '', id)
      this.#internals.setFormValue(this.hasAttribute('name') ? data : null)
      const text = this.#text
      const button = this.#part('.choose')
      const failed = this.#files.size - ids.length - this.#onTheirWay().length
      if (this.isSending) this.#internals.setValidity({ customError: true }, text.stillSending, button)
      else if (failed) this.#internals.setValidity({ customError: true }, text.notSent, button)
      else if (this.hasAttribute('required') && !ids.length) this.#internals.setValidity({ valueMissing: true }, text.required, button)
      else this.#internals.setValidity({})
      this.#busy()
    }

    #busy() {
      if (this.#isBusy === this.isSending) return
      this.#isBusy = this.isSending
      if (this.#isBusy) addEventListener('beforeunload', warn)
      else {
        removeEventListener('beforeunload', warn)
        this.dispatchEvent(new CustomEvent('tusd-complete', { bubbles: true, composed: true, detail: { files: this.files } }))
      }
    }

    // -- what is taken, and said

    get multiple() {
      return this.hasAttribute('multiple')
    }

    get #maxSize() {
      return Number(this.getAttribute('max-size') ?? 0)
    }

    /** The attribute `accept`, as it is read and shown. */
    get #kinds() {
      return (this.getAttribute('accept') ?? '').split(',').map((kind) => kind.trim()).join(', ')
    }

    #takes(file) {
      return this.#refusalOf(file) === ''
    }

    #refusalOf({ name, type, size: bytes }) {
      if (this.#maxSize && bytes > this.#maxSize) return `${name}: ${this.#text.refusals.max_size_exceeded(size(this.#maxSize))}`
      if (!isAccepted({ name, type }, this.#kinds)) return `${name}: ${this.#text.notAllowed(this.#kinds)}`
      return ''
    }

    #complain(sentence) {
      this.#part('.refused').textContent = sentence
      this.#part('.refused').hidden = !sentence
    }

    get #text() {
      const of = this.closest('[lang]')?.lang
      const language = languageOf(of ? [of] : navigator.languages)
      return { ...SENDING[language], ...COMPONENT[language] }
    }

    #speak() {
      const text = this.#text
      const input = this.#part('input')
      input.accept = this.#kinds
      input.multiple = this.multiple
      const button = this.#part('.choose')
      button.textContent = this.multiple ? text.chooseMany : text.choose
      this.#part('ul').setAttribute('aria-label', text.files)
      this.#part('.how').textContent = this.multiple ? text.orDropMany : text.orDrop
      const limits = []
      if (this.#maxSize) limits.push(text.upTo(size(this.#maxSize)))
      if (this.#kinds) limits.push(this.#kinds)
      this.#part('.limits').textContent = limits.join(' ')
      for (const file of this.#files.keys()) this.#show(file)
    }

    #part(selector) {
      return this.#root.querySelector(selector)
    }

    #over(event, isOver) {
      event.preventDefault()
      this.#part('.drop').classList.toggle('over', isOver)
    }
  }
}

const warn = (event) => event.preventDefault()

const detailOf = ({ file, sent, state, id, url, message }) => ({ file, name: file.name, size: file.size, sent, state, id, url, message })

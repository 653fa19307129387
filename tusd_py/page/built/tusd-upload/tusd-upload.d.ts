/** A file of the component, as its events and `files` have it. */
export interface UploadFile {
  file: File
  name: string
  /** Bytes. */
  size: number
  /** Bytes that have left. */
  sent: number
  state: 'waiting' | 'hashing' | 'sending' | 'sent' | 'refused'
  /** The id of the upload and of its task, null before it has begun. */
  id: string | null
  /** The address of the upload, null before it has begun. */
  url: string | null
  /** Why it was refused; '' if it was not. */
  message: string
}

type Token = string | Promise<string>

export class TusdUpload extends HTMLElement {
  /** A token, or a function for one, which is called again when the token has run out. */
  set token(token: Token | (() => Token) | null)
  /** More metadata of each file. */
  metadata: Record<string, string>
  readonly endpoint: string
  readonly tokenUrl: string | null
  readonly multiple: boolean
  readonly form: HTMLFormElement | null
  /** The ids of the uploads that are complete. */
  readonly value: string[]
  readonly files: UploadFile[]
  readonly isSending: boolean
  readonly validity: ValidityState
  readonly validationMessage: string
  checkValidity(): boolean
  reportValidity(): boolean
  choose(): void
  add(files: Iterable<File>): void
  pause(): void
  resume(): void
  removeFile(file: UploadFile): void
  reset(): void
}

declare global {
  interface HTMLElementTagNameMap {
    'tusd-upload': TusdUpload
  }
  interface HTMLElementEventMap {
    'tusd-progress': CustomEvent<UploadFile>
    'tusd-success': CustomEvent<UploadFile>
    'tusd-error': CustomEvent<UploadFile>
    'tusd-complete': CustomEvent<{ files: UploadFile[] }>
  }
}

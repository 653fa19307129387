// The languages of the pages. A new one is a file in languages/, which is named here.
import * as en from './languages/en.js'
import * as zh from './languages/zh.js'

export const ABOUT = { en: en.about, zh: zh.about }
/** What is said of files on their way: the page and the component add their own. */
export const SENDING = { en: en.sending, zh: zh.sending }
export const PAGE = { en: en.page, zh: zh.page }
export const ADMIN = { en: en.admin, zh: zh.admin }
export const SHARES = { en: en.shares, zh: zh.shares }
export const RECEIVER = { en: en.receiver, zh: zh.receiver }
export const COMPONENT = { en: en.component, zh: zh.component }

const KEY = 'tusd-language'

/** The first language of these tags (BCP 47) that is there, English if none is. */
export const languageOf = (tags) => tags.map((tag) => tag.toLowerCase().split('-')[0]).find((each) => each in ABOUT) ?? 'en'

/** The language that a person chose on this server's pages, otherwise that of the browser. */
export const chosenLanguage = () => languageOf([localStorage.getItem(KEY), ...navigator.languages].filter(Boolean))

export const chooseLanguage = (language) => localStorage.setItem(KEY, language)

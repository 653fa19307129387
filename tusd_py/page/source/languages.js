// The languages of the pages. A new one is a file in languages/, which is named here.
import * as en from './languages/en.js'
import * as zh from './languages/zh.js'

export const ABOUT = { en: en.about, zh: zh.about }
export const PAGE = { en: en.page, zh: zh.page }
export const ADMIN = { en: en.admin, zh: zh.admin }

const KEY = 'tusd-language'

/** The first language of these tags (BCP 47) that is there, English if none is. */
export const languageOf = (tags) => tags.map((tag) => tag.toLowerCase().split('-')[0]).find((each) => each in ABOUT) ?? 'en'

/** The language that a person chose on this server's pages, otherwise that of the browser. */
export const chosenLanguage = () => languageOf([localStorage.getItem(KEY), ...navigator.languages].filter(Boolean))

export const chooseLanguage = (language) => localStorage.setItem(KEY, language)

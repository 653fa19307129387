// Why a file is not taken: the server's reasons, for people.
import { size } from './size.js'

/** Raised when an upload can't go on by itself; its message is for people. */
export class Refused extends Error {
  /** `final`: whether the server will not take the rest either. */
  constructor(sentence, final) {
    super(sentence)
    this.final = final
  }
}

/** Raised when an upload was deleted while it was sent. */
export class Deleted extends Error {}

/** The problem (RFC 9457) in an answer of our server; null in one of another, such as a proxy. */
export function problemOf(answer) {
  try {
    const problem = JSON.parse(answer.responseText)
    return problem.code ? problem : null
  } catch {
    return null
  }
}

/** The sentence for an answer that refuses, of the texts of a language. */
export function sentenceOf(answer, text) {
  const problem = problemOf(answer)
  if (!problem) return text.refusedOnTheWay(answer.status)
  const sentence = text.refusals[problem.code] ?? problem.detail
  const limit = Number(problem.detail.match(/(\d+) bytes/)?.[1])
  return typeof sentence === 'function' ? sentence(size(limit)) : sentence.replace(/\d+ bytes/, () => size(limit))
}

export const refusedBy = (answer, text) => new Refused(sentenceOf(answer, text), problemOf(answer) !== null)

import type { ErrorPosition } from '../errors.ts'
import type { Typed } from './values.ts'

/** What loses its meaning by a backslash; before anything else a backslash is itself. */
const escaped = /\\([\\"()*:-])/g

const endsInStar = (text: string): boolean => {
  if (!text.endsWith('*')) return false
  const backslashes = /\\*$/.exec(text.slice(0, -1))![0].length
  return backslashes % 2 === 0
}

/** @param image of a token: a word, or a text in quotes and maybe a * behind them */
export const typedOf = (image: string, position: ErrorPosition): Typed => {
  if (image.startsWith('"')) {
    const isPrefix = image.endsWith('*')
    const text = image.slice(1, isPrefix ? -2 : -1).replaceAll(/\\(["\\])/g, '$1')
    return { text, isPrefix, position }
  }
  const isPrefix = endsInStar(image)
  return { text: (isPrefix ? image.slice(0, -1) : image).replaceAll(escaped, '$1'), isPrefix, position }
}

import type { Edit, Key } from './key-parser.ts'

/** The line that keys alone make, as readline(3) edits it. */
export type KeyLine = {
  before: string // the cursor
  after: string
  bytes: number // taken so far, never fewer than the line has
  dropped: number // characters beyond the longest line that is kept
  unclear: boolean // a key did something that shows only in the echo
  early: boolean // its first keys were pressed before a line editor read: someone else may have read them
  masked: boolean // some of it was a secret that was not recorded
}
export const newKeyLine = (): KeyLine => ({
  before: '',
  after: '',
  bytes: 0,
  dropped: 0,
  unclear: false,
  early: false,
  masked: false,
})

export const maxLineBytes = 64 * 1024

/** Whole, or with the number of characters that are missing at its end. */
export const textOf = ({ before, after, dropped }: KeyLine): string =>
  before + after + (dropped > 0 ? `…[${dropped} more characters]` : '')

const isLowSurrogate = (text: string, at: number): boolean => {
  const unit = text.charCodeAt(at)
  return unit >= 0xdc00 && unit <= 0xdfff
}
const lengthOfFirst = (text: string): number => (isLowSurrogate(text, 1) ? 2 : 1)
const withoutLast = (text: string): string => text.slice(0, isLowSurrogate(text, text.length - 1) ? -2 : -1)

const left = (line: KeyLine): void => {
  const before = withoutLast(line.before)
  line.after = line.before.slice(before.length) + line.after
  line.before = before
}
const right = (line: KeyLine): void => {
  const length = lengthOfFirst(line.after)
  line.before += line.after.slice(0, length)
  line.after = line.after.slice(length)
}

const editing: Record<Edit, (line: KeyLine) => void> = {
  left,
  right,
  home: (line) => {
    line.after = line.before + line.after
    line.before = ''
  },
  end: (line) => {
    line.before += line.after
    line.after = ''
  },
  backspace: (line) => {
    line.before = withoutLast(line.before)
  },
  delete: (line) => {
    line.after = line.after.slice(lengthOfFirst(line.after))
  },
  // bash keeps what is right of the cursor, zsh and the kernel kill all of it.
  killLeft: (line) => {
    if (line.after !== '') line.unclear = true
    line.before = ''
  },
  killRight: (line) => {
    line.after = ''
  },
  killWord: (line) => {
    const kept = line.before.trimEnd()
    line.before = kept.slice(0, kept.length - (/\S+$/.exec(kept.slice(-limits.wordChars))?.[0].length ?? 0))
  },
}

const limits = { wordChars: 4_096 } as const

const insert = (line: KeyLine, char: string): void => {
  const bytes = Buffer.byteLength(char)
  if (line.bytes + bytes > maxLineBytes) line.bytes = Buffer.byteLength(line.before) + Buffer.byteLength(line.after)
  if (line.bytes + bytes > maxLineBytes) {
    line.dropped++
    return
  }
  line.before += char
  line.bytes += bytes
}

/** Keys that neither end nor drop the line. */
export const applyKey = (line: KeyLine, key: Key): void => {
  if (key.type === 'char') insert(line, key.char)
  else if (key.type === 'edit') editing[key.edit](line)
  else if (key.type === 'endOfFile') editing.delete(line)
  else if (key.type === 'unclear') line.unclear = true
}

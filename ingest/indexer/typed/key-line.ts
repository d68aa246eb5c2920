import type { Edit, Key } from './key-parser.ts'

/** The line that keys alone make, as readline(3) edits it. */
export type KeyLine = {
  chars: string[]
  cursor: number
  unclear: boolean // a key did something that shows only in the echo
  masked: boolean // some of it was a secret that was not recorded
}
export const newKeyLine = (): KeyLine => ({ chars: [], cursor: 0, unclear: false, masked: false })

export const maxLineChars = 4096

export const textOf = ({ chars }: KeyLine): string => chars.join('')

const remove = (line: KeyLine, from: number, to: number): void => {
  line.chars.splice(from, to - from)
  line.cursor = from
}

const wordStart = ({ chars, cursor }: KeyLine): number => {
  let at = cursor
  while (at > 0 && /\s/.test(chars[at - 1]!)) at--
  while (at > 0 && !/\s/.test(chars[at - 1]!)) at--
  return at
}

const editing: Record<Edit, (line: KeyLine) => void> = {
  left: (line) => {
    line.cursor = Math.max(0, line.cursor - 1)
  },
  right: (line) => {
    line.cursor = Math.min(line.chars.length, line.cursor + 1)
  },
  home: (line) => {
    line.cursor = 0
  },
  end: (line) => {
    line.cursor = line.chars.length
  },
  backspace: (line) => remove(line, Math.max(0, line.cursor - 1), line.cursor),
  delete: (line) => remove(line, line.cursor, Math.min(line.chars.length, line.cursor + 1)),
  // bash keeps what is right of the cursor, zsh and the kernel kill all of it.
  killLeft: (line) => {
    if (line.cursor < line.chars.length) line.unclear = true
    remove(line, 0, line.cursor)
  },
  killRight: (line) => remove(line, line.cursor, line.chars.length),
  killWord: (line) => remove(line, wordStart(line), line.cursor),
}

/** Keys that neither end nor drop the line. */
export const applyKey = (line: KeyLine, key: Key): void => {
  if (key.type === 'char') {
    if (line.chars.length < maxLineChars) line.chars.splice(line.cursor++, 0, key.char)
  } else if (key.type === 'edit') editing[key.edit](line)
  else if (key.type === 'endOfFile') editing.delete(line)
  else if (key.type === 'unclear') line.unclear = true
}

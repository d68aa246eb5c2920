import type { EchoScreen } from './echo-screen.ts'
import { startsWithPrompt, withoutPrompt, withoutRight } from './prompt.ts'

/** What the terminal shows of the line that was just entered. */
export type ShownLine = {
  text: string // without the prompt; rows that are not full end with a line feed
  isExact: boolean // what stands before it is the prompt that stood there when its first key was pressed
}

const isBlank = (row: readonly string[]): boolean => row.every((cell) => cell === ' ' || cell === '')

/** Whether the next row goes on with this one. Line editors leave the last column free before a wide character. */
const wraps = ({ rows, cols }: EchoScreen, at: number): boolean => {
  const { length } = rows[at]!
  return length >= cols || (length === cols - 1 && rows[at + 1]?.[1] === '')
}

const joined = (screen: EchoScreen, from: number, to: number): string =>
  screen.rows
    .slice(from, to + 1)
    .map((row, at) => row.join('') + (from + at < to && !wraps(screen, from + at) ? '\n' : ''))
    .join('')

/** The last row that shows anything at the cursor or above, or the last of those that go on below. */
const lastRow = (screen: EchoScreen): number => {
  const { rows, row } = screen
  let at = row
  while (at > 0 && isBlank(rows[at]!)) at--
  while (at < rows.length - 1 && wraps(screen, at) && !isBlank(rows[at + 1]!)) at++
  return at
}

/** The rows that the last one is wrapped from, with it. */
export const wrappedText = (screen: EchoScreen): string => {
  const last = lastRow(screen)
  let from = last
  while (from > 0 && wraps(screen, from - 1)) from--
  return joined(screen, from, last)
}

/** `known`: what stood before the line; `others`: what stood before earlier lines; `right`: zsh's RPROMPT. */
export const shownLine = (screen: EchoScreen, known: string, others: string[], right: string): ShownLine => {
  const last = lastRow(screen)
  for (let from = last; known.trim() !== '' && from >= 0; from--) {
    const first = screen.rows[from]!.join('')
    const length = startsWithPrompt(first, known)
    if (length === null) continue
    const head = withoutRight(first.slice(length), right)
    const isCut = head.length < first.length - length
    const rest = isCut && from < last ? `\n${joined(screen, from + 1, last)}` : ''
    return { text: (isCut ? head + rest : joined(screen, from, last).slice(length)).trimEnd(), isExact: true }
  }
  return { text: withoutPrompt(wrappedText(screen), others, right), isExact: false }
}

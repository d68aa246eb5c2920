import type { ScreenText } from '#services/schema/screen.ts'

/**
 * How much text a minute of a session gives at most: a flood is not read by anybody, and its bytes stand in the recording.
 * Lines of one moment go together: a hit leads to the moment, not to the line.
 */
const minuteUs = 60_000_000
const mostPerMinute = { characters: 4 * 1024 * 1024, lines: 40_000 }
const joinedLength = 2 * 1024
const longestText = 8 * 1024
const wordLength = 256

export type Minute = { number: number; characters: number; lines: number; skipped: number }

/** Where a line too long for one text is cut: at a blank, where there is one near. */
const cutAt = (line: string): number => {
  const blank = line.lastIndexOf(' ', longestText)
  return blank > longestText - wordLength ? blank : longestText
}

const partsOf = (line: string): string[] => {
  const parts: string[] = []
  let rest = line
  while (rest.length > longestText) {
    const at = cutAt(rest)
    parts.push(rest.slice(0, at))
    rest = rest.slice(at)
  }
  return [...parts, rest]
}

export const createTextBudget = (saved: Minute | null) => {
  let minute: Minute = saved ? { ...saved } : { number: 0, characters: 0, lines: 0, skipped: 0 }
  let texts: ScreenText[] = []
  let joined: string[] = []
  let joinedSize = 0
  let joinedMs = 0

  const flush = (): void => {
    if (joined.length > 0) texts.push({ atMs: joinedMs, text: joined.join('\n') })
    joined = []
    joinedSize = 0
  }
  const add = (line: string, atMs: number): void => {
    if (atMs !== joinedMs || joinedSize + line.length > joinedLength) flush()
    joinedMs = atMs
    joined.push(line)
    joinedSize += line.length
  }
  const begin = (number: number, atMs: number): void => {
    const { skipped } = minute
    minute = { number, characters: 0, lines: 0, skipped: 0 }
    if (skipped > 0) add(`[${skipped} lines of the minute before are not searched: there was too much text]`, atMs)
  }
  return {
    tell: (line: string, atUs: number): void => {
      const [number, atMs] = [Math.floor(atUs / minuteUs), Math.round(atUs / 1000)]
      if (number !== minute.number) begin(number, atMs)
      if (minute.characters >= mostPerMinute.characters || minute.lines >= mostPerMinute.lines) {
        minute.skipped++
        return
      }
      minute.characters += line.length
      minute.lines++
      for (const part of partsOf(line)) add(part, atMs)
    },
    /** What is told together ends here. */
    flush,
    drain: (): ScreenText[] => {
      flush()
      const drained = texts
      texts = []
      return drained
    },
    saved: (): Minute => minute,
  }
}

/** The end of what was shown since keys wait, put together again from the pieces it came in. */
export type ShownLines = { add(cuts: readonly string[]): void; clear(): void; readonly lines: readonly string[] }

const keptLines = 64
const keptLength = 512 // of a line: its end

export const createShownLines = (): ShownLines => {
  let lines: string[] = []
  return {
    add: ([goesOn = '', ...fresh]) => {
      const last = (lines.pop() ?? '') + goesOn
      lines = [...lines, last, ...fresh].slice(-keptLines).map((line) => line.slice(-keptLength))
    },
    clear: () => {
      if (lines.length > 0) lines = []
    },
    get lines() {
      return lines
    },
  }
}

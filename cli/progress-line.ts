/** How often, in ms; `log`: where nobody looks, as lines of their own. Absent: nothing there. */
export type ProgressEvery = { terminalMs: number; logMs?: number }

/** One line that is written over. */
export const createProgressLine = (stream: NodeJS.WriteStream, { terminalMs, logMs }: ProgressEvery) => {
  const everyMs = stream.isTTY ? terminalMs : logMs
  let nextMs = 0
  return {
    tell: (text: () => string): void => {
      const nowMs = performance.now()
      if (everyMs === undefined || nowMs < nextMs) return
      nextMs = nowMs + everyMs
      stream.write(stream.isTTY ? `\r\x1b[K${text()}` : `${text()}\n`)
    },
    end: (): void => void (stream.isTTY && nextMs > 0 && stream.write('\r\x1b[K')),
  }
}

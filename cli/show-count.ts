const everyMs = 250

/** How far a long command is, on a terminal only. */
export const showCount = (what: string) => {
  const isTerminal = process.stderr.isTTY
  let shownMs = 0
  return {
    show: (count: number): void => {
      if (!isTerminal || performance.now() - shownMs < everyMs) return
      shownMs = performance.now()
      process.stderr.write(`\r\u001b[K${count} ${what}`)
    },
    clear: (): void => {
      if (isTerminal) process.stderr.write('\r\u001b[K')
    },
  }
}

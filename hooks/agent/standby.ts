const idleMs = 60_000
const lookEveryMs = 1_000

/** Calls `end`, once, when nothing was open for a minute: the service manager starts a standby again when it is called. */
export const endWhenIdle = (isIdle: () => boolean, end: () => Promise<void>, limitMs = idleMs): void => {
  let busyAtMs = performance.now()
  const timer = setInterval(
    () => {
      if (!isIdle()) busyAtMs = performance.now()
      if (performance.now() - busyAtMs < limitMs) return
      clearInterval(timer)
      void end()
    },
    Math.min(lookEveryMs, limitMs),
  )
}

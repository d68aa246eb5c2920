import type { TtyMode } from '#hooks/hook.ts'

/** Programs print a prompt before or after they turn the echo off: the mode is read at both times after output. */
const readAfterMs = [10, 100] as const

export type ModeWatch = {
  /** There was output. */
  output(): void
  stop(): void
}

/** While output goes on without a pause, the mode is read twice per 100 ms and not per frame. */
export const createModeWatch = (ttyMode: () => Promise<TtyMode>, observe: (mode: TtyMode) => void): ModeWatch => {
  let timer: NodeJS.Timeout | null = null
  let more = false // output since the readings under way began
  let stopped = false

  const look = (): void => {
    ttyMode().then(
      (mode) => {
        if (!stopped) observe(mode)
      },
      () => {}, // not knowing is what the masker starts from
    )
  }
  const start = (): void => {
    more = false
    timer = setTimeout(() => {
      look()
      timer = setTimeout(() => {
        look()
        timer = null
        if (more) start()
      }, readAfterMs[1] - readAfterMs[0])
    }, readAfterMs[0])
  }
  return {
    output: () => {
      if (timer) more = true
      else if (!stopped) start()
    },
    stop: () => {
      stopped = true
      if (timer) clearTimeout(timer)
    },
  }
}

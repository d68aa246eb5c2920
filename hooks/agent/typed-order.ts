import type { TtyMode } from '#hooks/hook.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'

const modeWithinMs = 1_000

/**
 * Reads the terminal's mode for typed frames before anything else is done with them, and keeps the order: what comes
 * while the mode is being read waits. A typed frame that had to wait gets `unknown`: a reading made now says nothing
 * about the time it was typed. Without typed frames nothing is asynchronous.
 */
export type TypedOrder = {
  add(frame: Frame): void
  /** Resolves when nothing waits. */
  settled(): Promise<void>
}

export const createTypedOrder = (
  ttyMode: (() => Promise<TtyMode>) | undefined,
  push: (frame: Frame, mode: TtyMode, nowMs: number) => void,
  clockMs: () => number = () => performance.now(),
): TypedOrder => {
  let reading: Promise<void> | null = null
  let waiting: { frame: Frame; nowMs: number }[] = []

  const modeInTime = async (): Promise<TtyMode> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<TtyMode>((resolve) => {
      timer = setTimeout(resolve, modeWithinMs, 'unknown')
    })
    const mode = await Promise.race([ttyMode!().catch((): TtyMode => 'unknown'), late])
    clearTimeout(timer)
    return mode
  }
  const read = async (): Promise<void> => {
    const mode = await modeInTime()
    const [first, ...others] = waiting
    waiting = []
    reading = null
    push(first!.frame, mode, first!.nowMs)
    for (const { frame, nowMs } of others) push(frame, 'unknown', nowMs)
  }
  return {
    add: (frame) => {
      const nowMs = clockMs()
      if (reading) return void waiting.push({ frame, nowMs })
      if (frame.stream !== Stream.TTYIN || !ttyMode) return push(frame, 'unknown', nowMs)
      waiting.push({ frame, nowMs })
      reading = read()
    },
    settled: async () => {
      while (reading) await reading
    },
  }
}

import type { Clock, TtyMode } from '#hooks/hook.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import type { Masker } from './masking/masker.ts'
import { maskingClock } from './masking-clock.ts'
import { createModeWatch } from './mode-watch.ts'
import { createReleaseOrder } from './release-order.ts'
import { sourceBytes } from './session-chain.ts'
import { createTypedOrder } from './typed-order.ts'

/** The way of a session's frames through the masker: in order, with the terminal's mode, on time. */
export type MaskingLine = {
  /** `delayNs`: of the frame as the source sent it, where that is not its own (the rest of one that was cut). */
  add(frame: Frame, delayNs?: bigint): void
  /** A frame that is recorded already goes by. Answers with the sum of all delays that are through. */
  pass(delayNs: bigint): bigint
  /** All is through when resolved: what is undecided is masked. */
  flush(): Promise<void>
  stop(): void
}

export const createMaskingLine = (options: {
  masker: Masker
  ttyMode: (() => Promise<TtyMode>) | undefined
  clock: Clock
  fromNs: bigint
  /** `releasedNs`: sum of the delays of all frames that are through as a whole. */
  out: (frame: Frame, releasedNs: bigint) => void
}): MaskingLine => {
  const { masker, ttyMode, out } = options
  const order = createReleaseOrder(options.fromNs)
  const clock = maskingClock(options.clock)
  let cut: { rest: Frame; delayNs: bigint } | null = null
  let timer: NodeJS.Timeout | null = null

  const release = (frames: readonly Frame[]): void => {
    for (const frame of frames) {
      order.leave(frame)
      out(frame, order.releasedNs())
    }
  }
  const armTimer = (): void => {
    const deadlineMs = timer ? null : masker.nextDeadlineMs()
    if (deadlineMs === null) return
    const tick = (): void => {
      timer = null
      release(masker.tick(clock.nowMs()))
      armTimer()
    }
    timer = setTimeout(tick, Math.max(1, Math.ceil(clock.untilMs(deadlineMs))))
  }
  const push = (frame: Frame, mode: TtyMode, nowMs: number): void => {
    const delayNs = cut?.rest === frame ? cut.delayNs : frame.delayNs
    const nothingHeld = order.isEmpty()
    const released = masker.push(frame, { nowMs, mode })
    if (nothingHeld && released.length === 1 && released[0] === frame) {
      order.pass(delayNs)
      out(frame, order.releasedNs())
      return
    }
    order.enter(sourceBytes(frame), delayNs)
    release(released)
    armTimer()
  }
  const typed = createTypedOrder(ttyMode, push, clock.nowMs)
  const watch = ttyMode && createModeWatch(ttyMode, masker.observe)

  return {
    add: (frame, delayNs) => {
      if (delayNs !== undefined) cut = { rest: frame, delayNs }
      clock.frame(delayNs ?? frame.delayNs)
      typed.add(frame)
      if (frame.stream === Stream.TTYOUT) watch?.output()
    },
    pass: (delayNs) => {
      clock.frame(delayNs)
      order.pass(delayNs)
      return order.releasedNs()
    },
    flush: async () => {
      await typed.settled()
      if (timer) clearTimeout(timer)
      timer = null
      release(masker.end())
    },
    stop: () => watch?.stop(),
  }
}

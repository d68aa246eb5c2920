import { createMasker, type Masker } from '#hooks/agent/masking/masker.ts'
import type { TtyMode } from '#hooks/hook.ts'
import { Config } from '#services/config.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import type { TtyEvent } from './typed-session.ts'

export const maskingConfig = Config.parse({}).agent.masking

export type Passed = { frame: Frame; releasedMs: number }

/** Feeds a masker as the agent does: the clock of the events, ticks at its deadlines, probes as observations. */
export const createReplay = (masker: Masker = createMasker(maskingConfig)) => {
  const passed: Passed[] = []
  const take = (frames: Frame[], releasedMs: number): void => {
    for (const frame of frames) passed.push({ frame, releasedMs })
  }
  const tickUntil = (nowMs: number): void => {
    for (let due = masker.nextDeadlineMs(); due !== null && due <= nowMs; due = masker.nextDeadlineMs())
      take(masker.tick(due), due)
  }
  return {
    passed,
    push: (stream: Stream, data: Uint8Array, nowMs: number, mode: TtyMode, delayNs = 0n): void => {
      tickUntil(nowMs)
      take(masker.push({ delayNs, stream, data }, { nowMs, mode }), nowMs)
    },
    observe: (mode: TtyMode, nowMs: number): void => {
      tickUntil(nowMs)
      masker.observe(mode)
    },
    tickUntil,
    end: (nowMs: number): Passed[] => {
      tickUntil(nowMs)
      take(masker.end(), nowMs)
      return passed
    },
  }
}

export const replayed = (
  events: readonly TtyEvent[],
  seen: (event: TtyEvent) => TtyMode = ({ mode }) => mode,
): Passed[] => {
  const replay = createReplay()
  for (const event of events) {
    if (event.dir === 'probe') replay.observe(seen(event), event.tMs)
    else replay.push(event.dir === 'in' ? Stream.TTYIN : Stream.TTYOUT, event.data, event.tMs, seen(event))
  }
  return replay.end((events.at(-1)?.tMs ?? 0) + 10_000)
}

/** Typed bytes that were kept, masked ones left out. */
export const keptInput = (passed: readonly Passed[]): Buffer =>
  Buffer.concat(passed.filter(({ frame }) => frame.stream === Stream.TTYIN).map(({ frame }) => frame.data))

export const maskedBytes = (passed: readonly Passed[]): number =>
  passed.reduce((sum, { frame }) => sum + (frame.masked?.length ?? 0), 0)

export const rulesOf = (passed: readonly Passed[]): string[] => [
  ...new Set(passed.flatMap(({ frame }) => frame.masked?.rule ?? [])),
]

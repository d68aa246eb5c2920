import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Alert, Severity } from '#services/schema/alert.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { type Line, linesOf } from './lines.ts'
import type { Replay } from './replay.ts'

export type BacktestProgress = { bytes: number; totalBytes: number; events: number; alerts: number }
export type BacktestResult = {
  events: number
  rejected: { line: number; reason: string }[] // the first ones
  rejectedCount: number
  alerts: Record<Severity, number>
  seconds: number
}

const maxRejected = 100
const maxReasonLength = 200

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

type Read = { event: SessionEvent } | { reason: string } | null

const read = ({ text }: Line): Read => {
  if (text === null) return { reason: 'longer than 1 MiB' }
  if (text.trim() === '') return null
  const parsed = parse(text)
  if (parsed === undefined) return { reason: 'not JSON' }
  const result = SessionEvent.safeParse(parsed)
  if (result.success) return { event: result.data }
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  return { reason: issues.join('; ').slice(0, maxReasonLength) }
}

const nothing = (): BacktestResult => ({
  events: 0,
  rejected: [],
  rejectedCount: 0,
  alerts: { info: 0, low: 0, medium: 0, high: 0, critical: 0 },
  seconds: 0,
})

/**
 * Runs the detectors over a file of events (NDJSON, `.gz` and `.zst` unpacked) and writes the last revision of every alert
 * and finding. The file at `out` is there whole or not at all. Memory does not grow with the number of events.
 */
export const runBacktest = async (options: {
  events: string
  out: string
  replay: Replay
  onProgress?(progress: BacktestProgress): void
}): Promise<BacktestResult> => {
  const { events, out, replay, onProgress } = options
  const startedMs = performance.now()
  const { size: totalBytes } = await stat(events)
  const result = nothing()
  let bytes = 0

  const takeLine = (line: Line): void => {
    const taken = read(line)
    if (taken === null) return
    if ('event' in taken) {
      replay.take(taken.event)
      result.events++
      return
    }
    result.rejectedCount++
    if (result.rejected.length < maxRejected) result.rejected.push({ line: line.number, reason: taken.reason })
  }
  const textOf = (alerts: Alert[]): string => {
    for (const { severity } of alerts) result.alerts[severity]++
    return alerts.map((alert) => `${JSON.stringify(alert)}\n`).join('')
  }
  async function* alertLines(): AsyncGenerator<string> {
    for await (const batch of linesOf(events)) {
      for (const line of batch.lines) takeLine(line)
      bytes += batch.bytes
      const text = textOf(replay.closed())
      if (text !== '') yield text
      const alerts = Object.values(result.alerts).reduce((sum, count) => sum + count, 0)
      onProgress?.({ bytes, totalBytes, events: result.events, alerts })
    }
    yield textOf(replay.end())
  }

  const unfinished = `${out}.${process.pid}.tmp`
  try {
    await pipeline(alertLines, createWriteStream(unfinished, { flags: 'wx', mode: 0o600 }))
    await rename(unfinished, out)
  } finally {
    await rm(unfinished, { force: true })
  }
  return { ...result, seconds: (performance.now() - startedMs) / 1000 }
}

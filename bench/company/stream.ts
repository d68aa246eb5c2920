import { closeSync, openSync, writeSync } from 'node:fs'
import type { EventKind } from '#services/schema/session-event.ts'
import type { Random } from './random.ts'
import { dayMs, iso, minuteMs } from './zone.ts'

type Draft = {
  kind: EventKind
  at: number
  source: string
  bastion: string
  lateMs?: number
  [field: string]: unknown
}
export type Emit = (draft: Draft) => void

/** Buffers events by day of arrival and writes finished days in arrival order. */
export const createStream = (random: Random, path: string) => {
  const file = openSync(path, 'w')
  const buckets = new Map<number, { receivedAt: number; line: string }[]>()
  const counts = new Map<EventKind, number>()
  const delayOf = (late: number | undefined) => {
    if (late !== undefined) return late
    return random.chance(0.002) ? random.int(minuteMs, 9 * minuteMs) : random.int(15, 900)
  }
  const emit: Emit = ({ at, lateMs, ...fields }) => {
    const moment = Math.round(at)
    const receivedAt = moment + delayOf(lateMs)
    const line = JSON.stringify({ id: random.hex(32), at: iso(moment), receivedAt: iso(receivedAt), ...fields })
    const day = Math.floor(receivedAt / dayMs)
    const bucket = buckets.get(day)
    if (bucket) bucket.push({ receivedAt, line })
    else buckets.set(day, [{ receivedAt, line }])
    counts.set(fields.kind, (counts.get(fields.kind) ?? 0) + 1)
  }
  const flushThrough = (day: number) => {
    for (const key of [...buckets.keys()].sort((a, b) => a - b)) {
      if (key > day) return
      const bucket = buckets.get(key) ?? []
      buckets.delete(key)
      bucket.sort((a, b) => a.receivedAt - b.receivedAt)
      writeSync(file, `${bucket.map(({ line }) => line).join('\n')}\n`)
    }
  }
  const finish = () => {
    flushThrough(Number.POSITIVE_INFINITY)
    closeSync(file)
    return counts
  }
  return { emit, flushThrough, finish }
}

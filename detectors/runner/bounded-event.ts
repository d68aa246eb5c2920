import type { SessionEvent } from '#services/schema/session-event.ts'

const fineBytes = 64 * 1024
const maxText = 8 * 1024
const maxItems = 512
const maxDepth = 4

const bounded = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return value.slice(0, maxText)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return null
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => bounded(item, depth - 1))
  const entries = Object.entries(value).slice(0, maxItems)
  return Object.fromEntries(entries.map(([name, item]) => [name.slice(0, 128), bounded(item, depth - 1)]))
}

/**
 * An event as detectors keep it for a while: a huge one (a record has `sizeBytes`) has its texts and lists cut. Evidence
 * and catalog have it whole.
 */
export const boundedEvent = (event: SessionEvent, sizeBytes: number): SessionEvent =>
  sizeBytes <= fineBytes ? event : (bounded(event, maxDepth) as SessionEvent)

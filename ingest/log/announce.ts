import type { NewRecord } from '#services/bus/bus.ts'

export type StoredCheckpoint = { origin: string; size: number; note: string }

const said = { kind: 'access', source: 'log-writer', action: 'log.checkpoint' } as const

/** Of an event: whether it carries a checkpoint of a log. */
export const isAnnouncement = (value: Uint8Array): boolean => {
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (!text.includes(said.action)) return false
  const { kind, source, action } = (JSON.parse(text.toString()) ?? {}) as Record<string, unknown>
  return kind === said.kind && source === said.source && action === said.action
}

/**
 * The event that carries a checkpoint to every destination that takes `access` events: whoever has it can prove later what
 * the log held. The same checkpoint always has the same id.
 */
const eventOf = ({ origin, size, note }: StoredCheckpoint, bastion: string, nowMs: number) => ({
  id: `${origin}/checkpoint/${size}`,
  at: new Date(nowMs).toISOString(),
  ...said,
  bastion,
  outcome: 'success',
  actor: 'bartizan',
  object: note,
})

type AnnouncerOptions = {
  bus: { produce(records: NewRecord[]): Promise<unknown> }
  bastion: string
  clock: { now(): number }
}

/** Remembers the latest checkpoint until it was said; what a later one covers need not be said. */
export const createAnnouncer = ({ bus, bastion, clock }: AnnouncerOptions) => {
  let latest: StoredCheckpoint | null = null
  return {
    stored: (checkpoint: StoredCheckpoint): void => {
      latest = checkpoint
    },
    /** Durable when resolved. */
    announce: async (): Promise<void> => {
      const saying = latest
      if (saying === null) return
      const value = Buffer.from(JSON.stringify(eventOf(saying, bastion, clock.now())))
      await bus.produce([{ topic: 'session-events', key: bastion, value }])
      if (latest === saying) latest = null
    },
  }
}

import { hash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus, BusRecord, Placed } from './bus/bus.ts'
import type { CatalogReader } from './catalog/catalog.ts'
import type { Clock } from './clock.ts'
import { hasCode } from './errors.ts'
import type { KeyId, KeyStore } from './keys/key-store.ts'
import { eventBlockAt } from './recordings/event-block-at.ts'
import { readEvents } from './recordings/format/event-block.ts'
import { eventPrefix } from './recordings/format/evidence-keys.ts'
import type { RecordingReader } from './recordings/recording-store.ts'

/** How one destination is, as whoever serves it last said. */
export type ServedSink = { name: string; group: string; saidAtMs: number | null; isDisabled: boolean }

export type ProofOptions = {
  bus: Pick<Bus, 'id' | 'produce' | 'read' | 'lag'>
  catalog: Pick<CatalogReader, 'events'>
  recordings: Pick<RecordingReader, 'list' | 'get'>
  keys: Pick<KeyStore, 'get'>
  sinks: () => Promise<ServedSink[]>
  bastion: string
  /** A block of events is durable within this time. */
  blockMs: number
  /** What else has to happen does so within this time. */
  stepMs: number
  clock: Clock
}
export const parts = ['bus', 'catalog', 'recordings', 'delivery'] as const
export type Part = (typeof parts)[number]
export type Failure = { part: Part; reason: string }

const looks = 30 // within the time that something may take
const [leastPauseMs, mostPauseMs] = [50, 3_000]
const maxSinkSilenceMs = 60_000 // it is said every 10 s
const maxSinkLagMs = 15 * 60_000

type Canary = { placed: Placed; id: string; atMs: number; value: Uint8Array }

const within = async <T>(limitMs: number, what: string, signal: AbortSignal, act: Promise<T>): Promise<T> => {
  const timer = new AbortController()
  const late = sleep(limitMs, undefined, { signal: AbortSignal.any([signal, timer.signal]) }).then(() => {
    throw new Error(`${what}: not within ${limitMs} ms`)
  })
  try {
    return await Promise.race([act, late])
  } finally {
    timer.abort()
    late.catch(() => undefined)
  }
}

/** Looks until it is so; what fails meanwhile is why it is not. */
const until = async (
  limitMs: number,
  what: string,
  signal: AbortSignal,
  isSo: () => Promise<boolean>,
): Promise<void> => {
  const endMs = performance.now() + limitMs
  let why = ''
  while (performance.now() < endMs) {
    const look = within(Math.max(1, endMs - performance.now()), what, signal, isSo())
    const found = await look.catch((error: Error) => {
      signal.throwIfAborted()
      why = `: ${error.message}`
      return false
    })
    if (found) return
    await sleep(Math.min(Math.max(limitMs / looks, leastPauseMs), mostPauseMs), undefined, { signal })
  }
  throw new Error(`${what}: not within ${limitMs} ms${why}`.slice(0, 500))
}

const same = (a: Uint8Array | null | undefined, b: Uint8Array): boolean => a != null && Buffer.compare(a, b) === 0

const send = async ({ bus, bastion, clock }: ProofOptions): Promise<Canary> => {
  const atMs = clock.now()
  const id = hash('sha256', `dead-man\n${randomUUID()}`)
  const event = {
    id,
    at: new Date(atMs).toISOString(),
    kind: 'recorder_health',
    source: 'dead-man',
    bastion,
    status: 'ok',
    agent: 'bartizan',
    detail: 'dead_man: on its way through bus, catalog and evidence',
  }
  const value = Buffer.from(JSON.stringify(event))
  const [placed] = await bus.produce([{ topic: 'session-events', key: bastion, value }])
  return { placed: placed!, id, atMs, value }
}

const provesBus = async ({ bus }: ProofOptions, { placed, value }: Canary): Promise<boolean> => {
  const [record] = await bus.read(placed, placed.offset, 1)
  return same(record?.value, value)
}

const provesCatalog = async ({ catalog, bastion }: ProofOptions, { id, atMs }: Canary): Promise<boolean> => {
  const [from, to] = [new Date(atMs - 1), new Date(atMs + 1)]
  const { items } = await catalog.events({ kinds: ['recorder_health'], bastion, from, to, limit: 100 })
  return items.some((event) => event.id === id)
}

/** It stands in a durable block, and can be read from it with its key. */
const recordingsLook = (options: ProofOptions, { placed, value }: Canary): (() => Promise<boolean>) => {
  const { recordings, keys } = options
  const without = new Set<string>() // blocks never change
  const keyOf = (keyId: string) =>
    keys.get(keyId as KeyId).catch((error: unknown) => {
      if (hasCode(error, 'BTZ_KEY_DESTROYED')) return null
      throw error
    })
  return async () => {
    const { topic, partition, offset } = placed
    const key = await eventBlockAt(recordings, eventPrefix(options.bus.id, topic, partition), offset)
    if (key === null || without.has(key)) return false
    const block = await recordings.get(key).catch((error: unknown) => {
      if (hasCode(error, 'BTZ_RECORDING_NOT_FOUND')) return null
      throw error
    })
    if (block === null) return false
    for await (const event of readEvents(block, keyOf))
      if (event.offset === placed.offset) return same(event.value, value)
    without.add(key)
    return false
  }
}

const oldestOf = async (bus: ProofOptions['bus'], group: string): Promise<BusRecord | null> => {
  let oldest: BusRecord | null = null
  for (const { group: of, topic, partition, committed, end } of await bus.lag()) {
    if (of !== group || committed >= end) continue
    const [record] = await bus.read({ topic, partition }, committed, 1)
    if (record && (oldest === null || record.timestampMs < oldest.timestampMs)) oldest = record
  }
  return oldest
}

/** Every destination is served, wants more, and has taken what the bus has had for a quarter of an hour. */
const provesDelivery = async ({ bus, sinks, clock }: ProofOptions): Promise<boolean> => {
  for (const { name, group, saidAtMs, isDisabled } of await sinks()) {
    if (saidAtMs === null || clock.now() - saidAtMs > maxSinkSilenceMs) throw new Error(`nobody serves ${name}`)
    if (isDisabled) throw new Error(`${name} wants no more`)
    const oldest = await oldestOf(bus, group)
    const lagMs = oldest === null ? 0 : clock.now() - oldest.timestampMs
    if (lagMs > maxSinkLagMs) throw new Error(`${name} is ${Math.round(lagMs / 60_000)} min behind`)
  }
  return true
}

const whyNot = (part: Part, act: Promise<void>): Promise<Failure | null> =>
  act.then(
    () => null,
    (error: Error) => ({ part, reason: error.message }),
  )

/** Sends an event the whole way and looks for it at every station. What did not work, and why; empty: everything does. */
export const prove = async (options: ProofOptions, signal: AbortSignal): Promise<Failure[]> => {
  const { stepMs, blockMs } = options
  let canary: Canary
  try {
    canary = await within(stepMs, 'an event is put on the bus', signal, send(options))
  } catch (error) {
    return [{ part: 'bus', reason: (error as Error).message }]
  }
  const look = (part: Part, limitMs: number, what: string, isSo: () => Promise<boolean>) =>
    whyNot(part, until(limitMs, what, signal, isSo))
  const found = await Promise.all([
    look('bus', stepMs, 'the event is read back', () => provesBus(options, canary)),
    look('catalog', stepMs, 'the event is found', () => provesCatalog(options, canary)),
    look('recordings', blockMs + stepMs, 'the event is evidence', recordingsLook(options, canary)),
    look('delivery', stepMs, 'destinations are served', () => provesDelivery(options)),
  ])
  signal.throwIfAborted()
  return found.filter((failure) => failure !== null)
}

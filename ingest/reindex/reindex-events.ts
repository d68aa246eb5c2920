import { z } from 'zod'
import type { BusRecord } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { hasCode } from '#services/errors.ts'
import type { KeyId } from '#services/keys/key-store.ts'
import { parseEventFooter, readEvents } from '#services/recordings/format/event-block.ts'
import { eventPrefixOf } from '#services/recordings/format/evidence-keys.ts'
import { listObjects, maxObjectBytes } from '#services/verify/read-objects.ts'
import { isUnreadable } from '../recorder/stored-session.ts'
import type { ReindexContext, Scope, Tally } from './context.ts'
import { createRecords, feed } from './derivation.ts'

type Kind = 'session-events' | 'alerts'
const Named = z.object({ id: z.string(), bastion: z.string().nullish() })
const keyIsGone = ['BTZ_KEY_DESTROYED', 'BTZ_KEY_NOT_FOUND', 'BTZ_KEY_INVALID'] as const

/** The bus's own: alerts go by their id, events by their bastion. */
const recordKey = (kind: Kind, value: Uint8Array): string | null => {
  try {
    const { id, bastion } = Named.parse(JSON.parse(Buffer.from(value).toString('utf8')))
    return kind === 'alerts' ? id : (bastion ?? '')
  } catch {
    return null
  }
}

const listed = (ctx: ReindexContext) => listObjects(ctx.recordings, 'evidence/')

/** Prefixes of the partitions of a topic, those first whose first block is the oldest: a bus may have had one before it. */
const partitionsOf = async (ctx: ReindexContext, kind: Kind): Promise<string[]> => {
  const first = new Map<string, number>()
  for await (const { key } of listed(ctx)) {
    const prefix = eventPrefixOf(key)
    if (prefix === null || first.has(prefix) || !prefix.includes(`/${kind}/`)) continue
    const info = await footerOf(ctx, key)
    first.set(prefix, info === null ? 0 : Number(info.footer.firstAtMs))
  }
  return [...first].sort(([a, atA], [b, atB]) => atA - atB || (a < b ? -1 : 1)).map(([prefix]) => prefix)
}

const footerOf = async ({ recordings }: ReindexContext, key: string) => {
  try {
    const bytes = await recordings.get(key)
    return parseEventFooter(bytes, bytes.byteLength)
  } catch (error) {
    if (isUnreadable(error)) return null
    throw error
  }
}

const isoDay = (ms: bigint): string => new Date(Number(ms)).toISOString().slice(0, 10)

const createReader = (ctx: ReindexContext, tally: Tally, { from = '', to = '9999' }: Scope, kind: Kind) => {
  const record = createRecords()
  const keyOf = async (id: string): Promise<Uint8Array | null> => {
    try {
      return await ctx.keys.get(id as KeyId)
    } catch (error) {
      if (!keyIsGone.some((code) => hasCode(error, code))) throw error
      if (!hasCode(error, 'BTZ_KEY_DESTROYED')) tally.damaged++
      return null
    }
  }
  const read = async (bytes: Uint8Array): Promise<BusRecord[]> => {
    const { footer } = parseEventFooter(bytes, bytes.byteLength)
    if (isoDay(footer.lastAtMs) < from || isoDay(footer.firstAtMs) > to) return []
    const records: BusRecord[] = []
    for await (const { value } of readEvents(bytes, keyOf)) {
      const key = value && recordKey(kind, value)
      if (value && key !== null) records.push(record(kind, key, value, Number(footer.lastAtMs)))
    }
    return records
  }
  return async (key: string, sizeBytes: number): Promise<BusRecord[]> => {
    try {
      if (sizeBytes <= maxObjectBytes) return await read(await ctx.recordings.get(key))
    } catch (error) {
      if (!isUnreadable(error)) throw error
    }
    tally.damaged++
    ctx.log.error({ key }, 'not as it was written: nothing is derived of it')
    return []
  }
}

/**
 * All events, or all alerts, that stand in evidence, in their order. `done`: the partitions that are done with. `onDone` is
 * told of each.
 */
export const reindexEvents = async (
  ctx: ReindexContext,
  worker: PartitionWorker,
  tally: Tally,
  scope: Scope,
  { kind, done, onDone }: { kind: Kind; done: readonly string[]; onDone(prefix: string): Promise<void> },
): Promise<void> => {
  const read = createReader(ctx, tally, scope, kind)
  const prefixes = await partitionsOf(ctx, kind)
  for (const prefix of prefixes.filter((name) => !done.includes(name))) {
    for await (const { key, sizeBytes } of listObjects(ctx.recordings, prefix)) {
      const records = await read(key, sizeBytes)
      await feed(worker, records)
      tally[kind === 'alerts' ? 'alerts' : 'events'] += records.length
      ctx.tell(tally)
    }
    await worker.drain()
    await onDone(prefix)
  }
  await worker.tick()
}

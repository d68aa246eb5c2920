import { hasCode } from '#services/errors.ts'
import type { KeyId, KeyStore } from '#services/keys/key-store.ts'
import { eventBlockAt } from '#services/recordings/event-block-at.ts'
import { sameBytes } from '#services/recordings/format/chain.ts'
import {
  buildEventBlock,
  type EventBlockPlace,
  parseEventFooter,
  readEvents,
} from '#services/recordings/format/event-block.ts'
import { eventBlockKeyOf, eventPrefix, evidenceFormats } from '#services/recordings/format/evidence-keys.ts'
import type { EventRecorderContext } from '../event-context.ts'
import { retainUntil } from '../retention.ts'
import { isUnreadable } from '../stored-session.ts'
import type { HeldEvent } from './describe-event.ts'
import { sayEventLeaf } from './event-leaf.ts'
import { report } from './report.ts'

/** Null: the key was destroyed, so the content must not be written. */
const keyOrNull = (keys: Pick<KeyStore, 'obtain'>, id: KeyId): Promise<Uint8Array | null> =>
  keys.obtain(id).catch((error: unknown) => {
    if (hasCode(error, 'BTZ_KEY_DESTROYED')) return null
    throw error
  })

const build = async (ctx: EventRecorderContext, place: EventBlockPlace, events: HeldEvent[]): Promise<Uint8Array> => {
  const keys = new Map<KeyId, Uint8Array | null>()
  for (const { keyId } of events) if (!keys.has(keyId)) keys.set(keyId, await keyOrNull(ctx.keys, keyId))
  const toStore = events.map(({ record, keyId }) => {
    const { offset, timestampMs: atMs, value } = record
    return { offset, atMs, keyId, key: keys.get(keyId) ?? null, value }
  })
  return buildEventBlock(place, toStore)
}

/** How many of `events` the block holds that stands in their place, from the first on; 0 when it holds others. */
const standing = async (
  ctx: EventRecorderContext,
  block: Uint8Array,
  events: readonly HeldEvent[],
): Promise<number> => {
  const keyIds = new Map<string, KeyId>(events.map(({ keyId }) => [keyId, keyId]))
  const keyOf = async (id: string) => {
    const known = keyIds.get(id)
    return known === undefined ? null : keyOrNull(ctx.keys, known)
  }
  let count = 0
  try {
    for await (const { offset, keyId, value } of readEvents(block, keyOf)) {
      const event = events[count]
      if (!event) return count
      if (offset < events[0]!.record.offset) continue
      const isSame = offset === event.record.offset && keyId === event.keyId
      if (!isSame || (value !== null && !sameBytes(value, event.record.value))) return 0
      count++
    }
    return count
  } catch (error) {
    if (isUnreadable(error)) return 0
    throw error
  }
}

const putAsideFork = async (ctx: EventRecorderContext, { record, bastion, keyId }: HeldEvent, key: string) => {
  const sessionId = keyId.startsWith('session:') ? keyId.slice('session:'.length) : null
  const detail = `${key} holds other records than the bus`
  await report(ctx, { sessionId, bastion }, { status: 'tampered', what: 'fork', seq: record.offset, detail })
  await ctx.deadLetters.write(record, { code: 'BTZ_EVIDENCE_CORRUPT', reason: `fork: ${detail}` })
}

/** The block that holds the first of these events already: the process of before wrote it and did not get to commit. */
const blockWith = async ({ recordings }: EventRecorderContext, place: EventBlockPlace, offset: number) => {
  for (const format of evidenceFormats) {
    const key = await eventBlockAt(recordings, eventPrefix(place.busId, place.topic, place.partition, format), offset)
    if (key === null) continue
    const block = await recordings.get(key)
    try {
      const { records } = parseEventFooter(block, block.byteLength).footer
      if (records.some((record) => record.offset === BigInt(offset))) return { key, block }
    } catch (error) {
      if (!isUnreadable(error)) throw error
    }
  }
  return null
}

/** Of events in whose place a block was written before. @returns how many of them are done with */
const goOnFrom = async (ctx: EventRecorderContext, key: string, block: Uint8Array, events: readonly HeldEvent[]) => {
  const count = await standing(ctx, block, events)
  if (count === 0) {
    await putAsideFork(ctx, events[0]!, key)
    return { done: 1, wrote: false }
  }
  await sayEventLeaf(ctx, key, block, events.slice(0, count))
  return { done: count, wrote: false }
}

/**
 * Makes a block of the events, which are not empty, durable, and then its leaf. `afterStart`: nothing was written since the
 * start, so what a process of before wrote may stand there, in a block that begins earlier or in one of the older format.
 * @returns how many of them are done with: all, or, when they had been written before, those that stand there already
 */
export const closeEventBlock = async (
  ctx: EventRecorderContext,
  place: EventBlockPlace,
  events: HeldEvent[],
  afterStart: boolean,
): Promise<{ done: number; wrote: boolean }> => {
  const { offset } = events[0]!.record
  const there = afterStart ? await blockWith(ctx, place, offset) : null
  if (there !== null) return goOnFrom(ctx, there.key, there.block, events)
  const key = eventBlockKeyOf(eventPrefix(place.busId, place.topic, place.partition), offset)
  const block = await build(ctx, place, events)
  try {
    const until = retainUntil(ctx.clock.now(), ctx.retentionDays)
    await ctx.recordings.put(key, block, { retainUntil: until })
  } catch (error) {
    if (!hasCode(error, 'BTZ_RECORDING_EXISTS')) throw error
    return goOnFrom(ctx, key, await ctx.recordings.get(key), events)
  }
  await sayEventLeaf(ctx, key, block, events)
  ctx.metrics.blocks.inc()
  ctx.metrics.records.inc(events.length)
  return { done: events.length, wrote: true }
}

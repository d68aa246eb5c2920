import type { BusRecord, ConsumeControl, TopicPartition } from '#services/bus/bus.ts'
import { partitionOfKey } from '#services/bus/key-partition.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createSerial } from '#services/bus/serial.ts'
import type { Engine } from '../engine/entity.ts'
import { takeReached, takeTick } from '../engine/take.ts'
import type { Subject } from '../rule.ts'
import { applyEvent, hasPending, settleHeld } from './apply.ts'
import type { RunnerContext } from './context.ts'
import { decodeEntityRecord, type EntityEvent, nameOf, type Tick } from './entity-record.ts'
import { createEntityStore } from './entity-store.ts'
import { forgetInHeld } from './forget-session.ts'
import type { Held } from './held.ts'
import { createHeldEntities, eachOf } from './held-entities.ts'
import { createPoison } from './poison.ts'
import { createReached } from './reached.ts'
import { maxTogether, takeInParts } from './take-in-parts.ts'

const sweepEveryMs = 3_600_000

/** `taken`: how many events were; `reachedMs`: up to when what it sends on to users was sent. */
export type EntityWorker = PartitionWorker & {
  partition: number
  position(): { taken: number; reachedMs: number }
}
type Placed = { event: EntityEvent; record: BusRecord }
type Part = { events: Placed[] } | { tick: Tick }

/** One partition of entity-events → alerts, and logins on to their users. */
export const createEntityWorker = (
  ctx: RunnerContext,
  { topic, partition }: TopicPartition,
  commit: (nextOffset: number) => Promise<void>,
): EntityWorker => {
  const { bus, clock, deadLetters, erased, metrics, settings } = ctx
  const exclusively = createSerial()
  const poison = createPoison(ctx)
  let context = ctx.context()
  const engineOf = ({ kind }: Subject): Engine => ({
    program: poison.programs[kind],
    context,
    horizonMs: settings.horizonMs,
  })
  const store = createEntityStore({ state: ctx.state, busId: bus.id, engineOf })
  const entities = createHeldEntities(ctx, store, engineOf)
  const reached = createReached(bus.partitions)
  const unsent = new Set<Held>()
  const unstored = new Set<Held>() // to be stored before anything of them is sent
  let nextOffset = 0
  let committed = 0
  let taken = 0
  let storedAtMs = clock.now()
  let sweptAtMs = clock.now()
  let isDropped = false
  let isReady = false
  const forgotten = new Set<string>()
  const mayWrite = (): boolean => !isDropped

  const start = async (): Promise<void> => {
    for await (const { name, dueMs } of store.listDue())
      if (partitionOfKey(name, bus.partitions(topic)) === partition) entities.noteMarked(name, dueMs)
    isReady = true
  }
  /** What comes to light on the way goes out with the next sending. */
  const save = async (held: Held): Promise<void> => {
    await store.save(held, mayWrite)
    if (held.outbox.length > 0) unsent.add(held)
  }
  /** All of it, before anything that depends on it is done. */
  const send = async (): Promise<void> => {
    await poison.putAside()
    await eachOf([...unstored], save)
    unstored.clear()
    const senders = [...unsent]
    const counts = senders.map(({ outbox }) => outbox.length)
    const records = senders.flatMap(({ outbox }) => outbox)
    if (records.length > 0 && mayWrite()) await bus.produce(records)
    for (const [at, held] of senders.entries()) {
      held.outbox.splice(0, counts[at])
      held.dirtySinceMs ??= clock.now() // what is stored may still have it
    }
    for (const held of senders) if (held.outbox.length === 0) unsent.delete(held)
    for (const { topic: to, headers } of records)
      if (to === 'alerts') metrics.alerts.inc({ rule: headers!.rule!, severity: headers!.severity! })
  }
  const load = async (names: readonly string[]): Promise<Map<string, Held>> => {
    const all = await entities.load(names)
    for (const held of all) if (held.outbox.length > 0) unsent.add(held)
    await send() // what a crash left unsent goes before anything new
    return new Map(all.map((held) => [held.name, held]))
  }
  const settleAll = async (touched: Iterable<Held>): Promise<void> => {
    for (const held of touched) {
      if (settleHeld(held, engineOf(held.entity.subject))) unstored.add(held)
      if (held.outbox.length > 0) unsent.add(held)
      entities.noteDue(held)
    }
    await send()
  }
  const count = (outcome: ReturnType<typeof applyEvent>): void => {
    if (outcome === 'duplicate') metrics.duplicates.inc()
    else if (outcome === 'too late') metrics.late.inc()
    else metrics.events.inc()
  }
  const takeEvents = async (events: Placed[]): Promise<void> => {
    const all = await load([...new Set(events.map(({ event }) => nameOf(event.subject)))])
    if (isDropped) return
    const nowMs = clock.now()
    poison.taking(new Map(events.map(({ event, record }) => [event.observed.event.id, record])))
    for (const { event, record } of events) {
      const held = all.get(nameOf(event.subject))!
      count(applyEvent(held, event, record.offset, engineOf(event.subject), nowMs))
    }
    taken += events.length
    await settleAll(all.values())
  }
  const takeTickRecord = async ({ atMs, reached: told }: Tick): Promise<void> => {
    reached.take(told)
    const reachedMs = reached.fromAll()
    for (const { entity } of entities.all())
      if (hasPending(entity)) takeReached(entity, reachedMs, engineOf(entity.subject))
    const dueMs = Math.min(atMs, reachedMs)
    const names = entities.dueBy(dueMs)
    for (let from = 0; from < names.length && !isDropped; from += maxTogether) {
      const all = await load(names.slice(from, from + maxTogether))
      for (const held of all.values()) {
        takeTick(held.entity, dueMs)
        held.dirtySinceMs ??= clock.now()
      }
      await settleAll(all.values())
    }
  }
  const partsOf = async (records: BusRecord[]): Promise<Part[]> => {
    const parts: Part[] = []
    const gone = await erased.ids()
    for (const record of records) {
      const decoded = decodeEntityRecord(record)
      const last = parts.at(-1)
      if ('reason' in decoded) await deadLetters.write(record, { code: 'BTZ_REQUEST_INVALID', reason: decoded.reason })
      else if ('tick' in decoded) parts.push({ tick: decoded.tick })
      else if (gone.has(decoded.event.observed.event.sessionId ?? '')) continue
      else if (last && 'events' in last) last.events.push({ event: decoded.event, record })
      else parts.push({ events: [{ event: decoded.event, record }] })
    }
    return parts
  }
  const takeTogether = async (records: BusRecord[]): Promise<void> => {
    for (const part of await partsOf(records)) {
      if (isDropped) return
      if ('tick' in part) await takeTickRecord(part.tick)
      else await takeEvents(part.events)
    }
    nextOffset = records.at(-1)!.offset + 1
  }
  const taking = { nextOffset: () => nextOffset, isDropped: () => isDropped, take: takeTogether }
  const takeRun = async (records: BusRecord[], control: ConsumeControl): Promise<void> => {
    context = ctx.context()
    if (!isReady) await start()
    await send() // of a run that failed, and comes again now
    await takeInParts(records, control, taking)
  }

  const tellGrown = async (): Promise<number> => {
    for (const held of entities.all()) {
      if (held.grown.size === 0) continue
      held.outbox.push(...held.grown.values())
      held.grown.clear()
      unsent.add(held)
    }
    await send()
    return nextOffset
  }
  /** Runs go on meanwhile: what is stored of an entity is whole whenever it is taken, and never older than `upTo`. */
  const storeAll = async (): Promise<void> => {
    const upTo = await exclusively(tellGrown)
    // One that is being stored now is not durable yet.
    const dirty = entities.all().filter(({ dirtySinceMs, saving }) => dirtySinceMs !== null || saving !== null)
    await eachOf(dirty, (held) => ctx.atLeisure(() => save(held)))
    storedAtMs = clock.now()
    metrics.snapshotLag.set(0)
    if (isDropped || upTo <= committed) return
    await commit(upTo)
    committed = upTo
    await exclusively(() => entities.unload(reached.fromAll()))
  }
  const sweep = async (): Promise<void> => {
    if (partition !== 0 || Math.abs(clock.now() - sweptAtMs) < sweepEveryMs) return
    sweptAtMs = clock.now()
    await store.sweep(reached.fromAll(), entities.has, mayWrite)
  }
  /** What was erased since the last time. */
  const forget = async (): Promise<void> => {
    const fresh = [...(await erased.ids())].filter((id) => !forgotten.has(id))
    if (fresh.length === 0) return
    await exclusively(async () => {
      for (const held of entities.all())
        if (forgetInHeld(held, fresh, bus.id, engineOf(held.entity.subject))) {
          held.dirtySinceMs ??= clock.now()
          unstored.add(held)
        }
      await send()
    })
    for (const id of fresh) forgotten.add(id)
  }
  const tick = async (): Promise<void> => {
    await forget()
    const oldestMs = Math.min(...entities.all().map(({ dirtySinceMs }) => dirtySinceMs ?? Infinity))
    metrics.snapshotLag.set(Number.isFinite(oldestMs) ? Math.max(0, clock.now() - oldestMs) / 1000 : 0)
    if (Math.abs(clock.now() - storedAtMs) < settings.snapshotMs) return
    await storeAll()
    await sweep()
  }
  return {
    partition,
    position: () => ({ taken, reachedMs: reached.fromBastions() }),
    takeRun: (records, control) => exclusively(() => takeRun(records, control)),
    tick,
    drain: storeAll,
    drop: () => {
      isDropped = true
      entities.clear()
    },
  }
}

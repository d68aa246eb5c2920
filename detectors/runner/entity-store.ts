import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { hasCode } from '#services/errors.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { isOver } from '../engine/compact.ts'
import type { Engine } from '../engine/entity.ts'
import { dueMsOf } from '../engine/folded.ts'
import { settle } from '../engine/settle.ts'
import { takeReached } from '../engine/take.ts'
import type { Subject } from '../rule.ts'
import { settleHeld } from './apply.ts'
import { nameOf } from './entity-record.ts'
import { type Held, heldFrom, newHeld, type StoredEntity, storedOf } from './held.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

export const entityPrefix = 'detectors/entity/'
const duePrefix = 'detectors/due/'
const compressFromChars = 8 * 1024
const maxStoredBytes = 256 * 1024 * 1024
const maxTries = 5
const page = 1_000
const sweepPage = 50

export type Due = { name: string; dueMs: number }
type Value = { plain: StoredEntity } | { zstd: string }

/** Names come from users: of any length, with any character. */
const keyOf = (name: string): string => entityPrefix + hash('sha256', name)
const dueKeyOf = (name: string): string => duePrefix + hash('sha256', name)

export const encodeEntity = async (stored: StoredEntity): Promise<Value> => {
  const text = JSON.stringify(stored)
  if (text.length < compressFromChars) return { plain: stored }
  return { zstd: (await compress(text)).toString('base64') }
}
export const decodeEntity = async (value: unknown): Promise<StoredEntity> => {
  const known = value as Value
  if ('plain' in known) return known.plain
  const text = await decompress(Buffer.from(known.zstd, 'base64'), { maxOutputLength: maxStoredBytes })
  return JSON.parse(text.toString('utf8')) as StoredEntity
}

/** Entities in the state store, and which of them have something that falls due. */
export const createEntityStore = (options: {
  state: StateStore
  busId: string
  engineOf: (subject: Subject) => Engine
}) => {
  const { state, busId, engineOf } = options

  const load = async (name: string, subject: Subject): Promise<Held> => {
    const entry = await state.get(keyOf(name))
    if (entry === null) return newHeld(name, subject, engineOf(subject))
    return heldFrom(name, await decodeEntity(entry.value), entry.revision, busId, engineOf(subject))
  }
  const mark = async (held: Held): Promise<void> => {
    const dueMs = dueMsOf(engineOf(held.entity.subject).program, held.entity.tip)
    if (dueMs === null || (held.markedDueMs !== null && held.markedDueMs <= dueMs)) return
    await state.put(dueKeyOf(held.name), { name: held.name, dueMs } satisfies Due)
    held.markedDueMs = dueMs
  }
  const unmark = async (held: Held): Promise<void> => {
    if (held.markedDueMs === null) return
    if (dueMsOf(engineOf(held.entity.subject).program, held.entity.tip) !== null) return
    await state.delete(dueKeyOf(held.name))
    held.markedDueMs = null
  }
  /**
   * Someone who lost the partition wrote after we read. Whoever applied more of it is right; what the other one has told
   * and we never found has to be taken back.
   */
  const agree = async (held: Held): Promise<void> => {
    const { subject } = held.entity
    const other = await load(held.name, subject)
    held.revision = other.revision
    if (other.appliedOffset > held.appliedOffset) {
      const { entity, appliedOffset, highWater, outbox } = other
      Object.assign(held, { entity, appliedOffset, highWater, outbox: [...held.outbox, ...outbox] })
      return
    }
    held.entity.published = { ...other.entity.published, ...held.entity.published }
    held.entity.isSettled = false
    settleHeld(held, engineOf(subject))
  }
  /** `mayWrite`: whether the partition is still ours. */
  const write = async (held: Held, mayWrite: () => boolean): Promise<void> => {
    for (let attempt = 1; mayWrite(); attempt++) {
      await mark(held)
      const sinceMs = held.dirtySinceMs
      held.dirtySinceMs = null
      try {
        // Taken at once, before anything is awaited: between two turns it is whole.
        const stored = storedOf(held, busId)
        held.revision = await state.put(keyOf(held.name), await encodeEntity(stored), { ifRevision: held.revision })
        return await unmark(held)
      } catch (error) {
        held.dirtySinceMs ??= sinceMs
        if (attempt >= maxTries || !hasCode(error, 'BTZ_STATE_CONFLICT')) throw error
        await agree(held)
      }
    }
  }
  const save = async (held: Held, mayWrite: () => boolean): Promise<void> => {
    const before = held.saving ?? Promise.resolve()
    const mine = before.then(() => write(held, mayWrite))
    const settled = mine.catch(() => {})
    held.saving = settled
    try {
      await mine
    } finally {
      if (held.saving === settled) held.saving = null
    }
  }
  const isForgotten = (stored: StoredEntity, nowMs: number): boolean => {
    const engine = engineOf(stored.snapshot.subject)
    const { entity, outbox } = heldFrom('', stored, 0, busId, engine)
    const { changes, forwards } = settle(entity, engine)
    takeReached(entity, nowMs, engine)
    return outbox.length + changes.length + forwards.length === 0 && isOver(entity, engine, nowMs)
  }
  /** One that was touched meanwhile stays. */
  const removeAt = async (key: string, revision: number): Promise<void> => {
    try {
      await state.delete(key, { ifRevision: revision })
    } catch (error) {
      if (!hasCode(error, 'BTZ_STATE_CONFLICT')) throw error
    }
  }
  return {
    load,
    /** Durable when resolved, as of now or later. One after another for each entity. @throws what the state store does */
    save,
    remove: async (held: Held): Promise<void> => {
      if (held.revision > 0) await removeAt(keyOf(held.name), held.revision)
      if (held.markedDueMs !== null) await state.delete(dueKeyOf(held.name))
    },
    /** Of all partitions. */
    listDue: async function* (): AsyncGenerator<Due> {
      for (let after = ''; ; ) {
        const entries = await state.list(duePrefix, { after, limit: page })
        for (const { value } of entries) yield value as Due
        if (entries.length < page) return
        after = entries.at(-1)!.key
      }
    },
    /** Removes what can matter to nothing any more, but what is in use: that stays its holder's. */
    sweep: async (nowMs: number, isHeld: (name: string) => boolean, mayWrite: () => boolean): Promise<void> => {
      for (let after = ''; mayWrite(); ) {
        const entries = await state.list(entityPrefix, { after, limit: sweepPage })
        for (const { key, value, revision } of entries) {
          const stored = await decodeEntity(value)
          if (!isHeld(nameOf(stored.snapshot.subject)) && isForgotten(stored, nowMs)) await removeAt(key, revision)
        }
        if (entries.length < sweepPage) return
        after = entries.at(-1)!.key
      }
    },
  }
}
export type EntityStore = ReturnType<typeof createEntityStore>

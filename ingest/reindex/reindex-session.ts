import type { BusRecord } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createCustody } from '#services/custody/custody.ts'
import { hasCode } from '#services/errors.ts'
import { readStoredBatches } from '#services/recordings/format/block.ts'
import { parseFooter } from '#services/recordings/format/block-footer.ts'
import { decodeManifest } from '#services/recordings/format/manifest.ts'
import { isUnended } from '#services/schema/session.ts'
import { maxObjectBytes } from '#services/verify/read-objects.ts'
import { blockRow } from '../recorder/steps/block-row.ts'
import { isUnreadable } from '../recorder/stored-session.ts'
import type { ReindexContext, Scope, Tally } from './context.ts'
import { createRecords, type Derivation, feed } from './derivation.ts'
import type { StoredSession } from './stored-sessions.ts'

const unknownKey = ['BTZ_KEY_NOT_FOUND', 'BTZ_KEY_INVALID'] as const

/** Null: it was destroyed. Undefined: it is not here. */
const keyOf = async ({ keys }: ReindexContext, sessionId: string): Promise<Uint8Array | null | undefined> => {
  try {
    return await keys.get(`session:${sessionId}`)
  } catch (error) {
    if (hasCode(error, 'BTZ_KEY_DESTROYED')) return null
    if (unknownKey.some((code) => hasCode(error, code))) return undefined
    throw error
  }
}

/** What reading it throws: null, and it counts as damaged. */
const orDamaged = async <T>(ctx: ReindexContext, tally: Tally, key: string, read: () => Promise<T>) => {
  try {
    return await read()
  } catch (error) {
    if (!isUnreadable(error)) throw error
    tally.damaged++
    ctx.log.error({ key, reason: (error as Error).message }, 'not as it was written: nothing is derived of it')
    return null
  }
}

const sealing = async (ctx: ReindexContext, tally: Tally, { manifests }: StoredSession) => {
  const key = manifests.at(-1)
  if (key === undefined) return null
  const manifest = await orDamaged(ctx, tally, key, async () => decodeManifest(await ctx.recordings.get(key)))
  return manifest && { key, isProvisional: manifest.provisional }
}

/** Marks alone: its content is gone, and so is what was derived of it. */
const markErased = async (ctx: ReindexContext, { sessionId }: StoredSession): Promise<void> => {
  const custody = await createCustody(ctx).get(sessionId)
  await ctx.catalog.markErasure(sessionId, custody?.erasure?.state === 'erasing' ? 'erasing' : 'erased')
}

const createTaker = (ctx: ReindexContext, tally: Tally, { viewsOnly }: Scope, workers: PartitionWorker[]) => {
  const record = createRecords()
  return async ({ key, sizeBytes }: StoredSession['blocks'][number], sessionKey: Uint8Array | null): Promise<void> => {
    if (sizeBytes > maxObjectBytes) {
      tally.damaged++
      return
    }
    const records = await orDamaged(ctx, tally, key, async () => {
      const bytes = await ctx.recordings.get(key)
      const info = parseFooter(bytes, bytes.byteLength)
      if (!viewsOnly) await ctx.catalog.putBlock(blockRow(key, info))
      if (sessionKey === null) return []
      const stored = [...readStoredBatches(bytes, sessionKey)]
      return stored.map(
        ({ finished, decoded }): BusRecord => record('session-frames', info.sessionId, finished, decoded.closedAtMs),
      )
    })
    for (const worker of workers) await feed(worker, records ?? [])
  }
}

/** All that evidence says of a session, into catalog and views. May be done again. */
export const reindexSession = async (
  ctx: ReindexContext,
  derivation: Derivation,
  tally: Tally,
  scope: Scope,
  session: StoredSession,
): Promise<void> => {
  const { sessionId, blocks } = session
  const sealed = await sealing(ctx, tally, session)
  if (!ctx.isAlone && sealed === null) {
    tally.running++
    return
  }
  const sessionKey = await keyOf(ctx, sessionId)
  const isErased = sessionKey === null || (await derivation.erased.ids()).has(sessionId)
  if (sessionKey === undefined) tally.damaged++
  if (isErased) tally.erased++
  const workers = isErased ? [] : [derivation.screenWorker(), ...(scope.viewsOnly ? [] : [derivation.rowsWorker()])]
  await ctx.views.deleteScreen(sessionId)
  const take = createTaker(ctx, tally, scope, workers)
  for (const block of blocks) await take(block, isErased ? null : (sessionKey ?? null))
  for (const worker of workers) {
    await worker.drain()
    worker.drop()
  }
  if (isErased) await markErased(ctx, session)
  if (!scope.viewsOnly && sealed !== null) await ctx.catalog.markSealed(sessionId, sealed.key)
  const row = scope.viewsOnly || !sealed?.isProvisional ? null : await ctx.catalog.session(sessionId)
  if (row && isUnended(row.state)) await ctx.catalog.markTruncated([sessionId])
  tally.sessions++
}

import { listAll } from '../../access/list-all.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import type { KeyStore } from '../../keys/key-store.ts'
import type { DisposalStore, StoredVersion } from '../../recordings/disposal-store.ts'
import { parseSessionKey } from '../../recordings/format/evidence-keys.ts'
import { evidenceRoots } from '../../recordings/recording-key.ts'
import { type ActPerson, CustodyAct, maxDisposed } from '../../schema/custody-act.ts'
import type { SessionId } from '../../schema/ids.ts'
import type { StateStore } from '../../state/state-store.ts'
import { prefixesOf } from '../../verify/v0/verify-group.ts'
import { actsRoot } from '../act-format.ts'
import { type CustodyDesk, isHeld } from '../custody.ts'
import { sessionOf } from '../session-of.ts'
import { type ActContext, draftAct, writeAct } from '../write-act.ts'
import { type Judged, judge, type Kept } from './judge.ts'
import { type Logged, untilLogged } from './leaves.ts'

const pendingPrefix = 'disposal/'
const actsAtOnce = 40 // a checkpoint may take a minute to come: so many acts wait for one together

export type DisposalContext = Logged & {
  store: DisposalStore
  custody: Pick<CustodyDesk, 'get'>
  state: StateStore
  acts: ActContext
  keys: Pick<KeyStore, 'destroy'>
  catalog: Pick<Catalog, 'session' | 'markErasure' | 'eraseSession'>
}
type Looking = Pick<DisposalContext, 'store' | 'custody'>
/** Of versions; `sessions`: of which nothing is left. */
export type Tally = { objects: number; sizeBytes: number; sessions: number; kept: Record<Kept, number> }
export type DisposalRun = { reason: string; by: ActPerson; limit: number; tell: (tally: Tally) => void }

const newTally = (): Tally => ({ objects: 0, sizeBytes: 0, sessions: 0, kept: { retained: 0, held: 0, undated: 0 } })

/** What people decided about the session that a key belongs to. Events of many sessions share a block: nobody holds these. */
const keepsOf = async ({ custody }: Looking, key: string) => {
  const sessionId = sessionOf(key)
  const decided = sessionId && (await custody.get(sessionId))
  return { held: isHeld(decided), untilMs: Date.parse(decided?.retention?.until ?? '1970-01-01') }
}

/** Acts are never disposed of, nor is the log: they outlive what they are about. */
async function* judgeAll(ctx: Looking): AsyncGenerator<Judged, void, void> {
  let asked: string | null = null
  let keeps = await keepsOf(ctx, '')
  for (const root of evidenceRoots)
    for await (const versions of ctx.store.versions(`${root}/`)) {
      const { key } = versions[0]!
      if (key.startsWith(actsRoot)) continue
      const sessionId = sessionOf(key)
      // Those of a session come one after the other; before anything is deleted it is asked again.
      if (sessionId !== asked) keeps = await keepsOf(ctx, key)
      asked = sessionId
      yield judge(versions, await ctx.store.surelyPastMs(), keeps)
    }
}

const countKept = (tally: Tally, { kept }: Judged): void => {
  for (const { why } of kept) tally.kept[why]++
}
const countGone = (tally: Tally, { sizeBytes }: StoredVersion): void => {
  tally.objects++
  tally.sizeBytes += sizeBytes
}

/** What a run would do. Changes nothing. @throws BTZ_CLOCK_SKEW */
export const planDisposal = async (ctx: Looking, tell: (tally: Tally) => void): Promise<Tally> => {
  const tally = newTally()
  await ctx.store.surelyPastMs()
  for await (const judged of judgeAll(ctx)) {
    countKept(tally, judged)
    for (const version of judged.disposable) countGone(tally, version)
    tell(tally)
  }
  return tally
}

type Disposal = Extract<CustodyAct, { kind: 'disposal' }>

/** Looked at again: a hold may have been set since, and what is gone is gone. */
const removeOne = async (ctx: DisposalContext, { key, versionId }: Disposal['objects'][number], tally: Tally) => {
  const versions = await ctx.store.look(key)
  const version = versions.find((each) => each.versionId === versionId)
  if (version === undefined) return
  const { disposable, kept } = judge(versions, await ctx.store.surelyPastMs(), await keepsOf(ctx, key))
  const reprieve = kept.find((each) => each.version === version)
  if (reprieve) tally.kept[reprieve.why]++
  if (!disposable.includes(version)) return
  await ctx.store.remove(version)
  countGone(tally, version)
}

const isGone = async ({ store }: DisposalContext, prefixes: Iterable<string>): Promise<boolean> => {
  for (const prefix of prefixes) for await (const _ of store.versions(prefix)) return false
  return true
}

/** A key that opens nothing any more, and what was derived from the content. Of the row stays who, when and where. */
const endSessions = async (ctx: DisposalContext, act: Disposal, tally: Tally): Promise<void> => {
  const prefixes = new Map<SessionId, Set<string>>()
  for (const { key } of act.objects) {
    const sessionId = sessionOf(key)
    if (sessionId === null) continue
    const known = prefixes.get(sessionId) ?? new Set(prefixesOf(sessionId))
    prefixes.set(sessionId, known.add(parseSessionKey(key)!.prefix))
  }
  const { id, by } = act
  for (const [sessionId, where] of prefixes) {
    if (!(await isGone(ctx, where))) continue
    const why = { reason: `disposed of: act ${id}`, actor: by[0]!.name, at: new Date(act.at) }
    await ctx.keys.destroy(`session:${sessionId}`, why)
    await ctx.catalog.markErasure(sessionId, 'erased')
    await ctx.catalog.eraseSession(sessionId)
    tally.sessions++
  }
}

const carryOut = async (ctx: DisposalContext, acts: readonly Disposal[], { tell }: DisposalRun, tally: Tally) => {
  for (const act of acts) await writeAct(ctx.acts, act)
  await untilLogged(ctx, acts)
  for (const act of acts) {
    for (const object of act.objects) {
      await removeOne(ctx, object, tally)
      tell(tally)
    }
    await endSessions(ctx, act, tally)
    await ctx.state.delete(pendingPrefix + act.id)
  }
}

/** Kept before anything else is done with it, so that after a crash it is the same act. */
const draft = async (
  ctx: DisposalContext,
  versions: StoredVersion[],
  { reason, by }: DisposalRun,
): Promise<Disposal> => {
  const objects = versions.map(({ key, versionId, retainedUntil }) => ({
    ...{ key, versionId },
    retainedUntil: retainedUntil?.toISOString() ?? null,
  }))
  const act = draftAct({ kind: 'disposal', reason, by: [by], objects }, ctx.acts.clock) as Disposal
  await ctx.state.put(pendingPrefix + act.id, act, { ifRevision: 0 })
  return act
}

/** Acts of a run that did not come to its end. */
const pending = async ({ state }: DisposalContext): Promise<Disposal[]> => {
  const acts: Disposal[] = []
  for await (const { value } of listAll(state, pendingPrefix)) acts.push(CustodyAct.parse(value) as Disposal)
  return acts
}

/**
 * Disposes of every version that is past its date and that no hold is on, at most `limit` of them: says which, waits until
 * the log vouches for that, and then removes exactly these. Killed at any moment, the next run does the rest first.
 * @throws BTZ_CLOCK_SKEW BTZ_UNAVAILABLE BTZ_LOG_FORK
 */
export const runDisposal = async (ctx: DisposalContext, run: DisposalRun): Promise<Tally> => {
  const tally = newTally()
  await ctx.store.surelyPastMs()
  await carryOut(ctx, await pending(ctx), run, tally)
  let room = run.limit - tally.objects
  const batch: StoredVersion[] = []
  const acts: Disposal[] = []
  const flush = async (): Promise<void> => {
    await carryOut(ctx, acts.splice(0), run, tally)
  }
  for await (const judged of judgeAll(ctx)) {
    countKept(tally, judged)
    for (const version of judged.disposable.slice(0, Math.max(0, room))) {
      batch.push(version)
      room--
      if (batch.length === maxDisposed) acts.push(await draft(ctx, batch.splice(0), run))
    }
    if (acts.length >= actsAtOnce) await flush()
    if (room <= 0) break
  }
  if (batch.length > 0) acts.push(await draft(ctx, batch, run))
  await flush()
  return tally
}

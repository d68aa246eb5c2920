import { setTimeout as sleep } from 'node:timers/promises'
import type { Approvals } from '#services/approvals/approvals.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import type { CustodyDesk } from '#services/custody/custody.ts'
import { type ActContext, writeAct } from '#services/custody/write-act.ts'
import { noteErased, noticedWithinMs } from '#services/erasure/erased-sessions.ts'
import { type Copies, type createErasure, isErasureDue } from '#services/erasure/erasure.ts'
import { isOfSession, topicsWithContent } from '#services/erasure/of-session.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { KeyStore } from '#services/keys/key-store.ts'
import type { Logger } from '#services/log.ts'
import type { Approval } from '#services/schema/approval.ts'
import type { Custody, CustodyErasure } from '#services/schema/custody.ts'
import type { CustodyAct } from '#services/schema/custody-act.ts'
import type { StateStore } from '#services/state/state-store.ts'

export type EraseContext = Omit<ActContext, 'bus'> & {
  approvals: Pick<Approvals, 'due' | 'done'>
  custody: CustodyDesk
  erasure: ReturnType<typeof createErasure>
  state: StateStore
  keys: Pick<KeyStore, 'destroy'>
  catalog: Pick<Catalog, 'session' | 'markErasure' | 'eraseSession' | 'expunge'>
  bus: Pick<Bus, 'produce' | 'erase'>
  /** How many events and alerts about it went to which destination, as far as that is known. */
  copiesOf: (sessionId: string) => Promise<Copies>
  /** Of what the rules keep about it. @returns how many entries that changed */
  forgetFindings: (sessionId: string) => Promise<number>
  busRetentionMs: number
  backupDays: number // how long backups of keys and state are kept
  /** Until whoever writes has noticed. */
  settleMs?: number
  log: Logger
}

const dayMs = 86_400_000
const maxPasses = 20
type SessionId = Custody['sessionId']

const tell = (ctx: EraseContext, act: CustodyAct | null): Promise<string> => {
  if (act === null) throw new BartizanError('BTZ_INTERNAL', 'an act of erasure was to be written before it was drafted')
  return writeAct(ctx, act)
}

/** Nobody is served any more, and what comes late is not kept. */
const stopServing = async (ctx: EraseContext, sessionId: SessionId, { at }: CustodyErasure): Promise<void> => {
  const session = await ctx.catalog.session(sessionId)
  await noteErased(ctx.state, { sessionId, bastion: session?.bastion ?? null, at })
  await ctx.catalog.markErasure(sessionId, 'erasing')
}

const destroyKey = ({ keys }: EraseContext, sessionId: string, { reason, by, at }: CustodyErasure): Promise<void> =>
  keys.destroy(`session:${sessionId}`, { reason, actor: `${by.name} (${by.id})`, at: new Date(at) })

/** One pass over all that holds what was derived. Null: the bus cannot erase, and keeps what it has for its time. */
const forget = async (ctx: EraseContext, sessionId: string): Promise<{ count: number; onBus: number | null }> => {
  const onBus = await ctx.bus.erase(topicsWithContent, sessionId, isOfSession(sessionId))
  const rows = await ctx.catalog.eraseSession(sessionId)
  const findings = await ctx.forgetFindings(sessionId)
  return { count: rows + findings + (onBus ?? 0), onBus }
}

/** Whoever was about to write something when it began may have written it behind the first pass. */
const forgetAll = async (ctx: EraseContext, sessionId: string): Promise<{ isBusClean: boolean }> => {
  for (let pass = 1; pass <= maxPasses; pass++) {
    const { count, onBus } = await forget(ctx, sessionId)
    if (count === 0) return { isBusClean: onBus !== null }
    ctx.log.info({ sessionId, pass, count }, 'records and rows of an erased session are gone')
  }
  throw new BartizanError('BTZ_UNAVAILABLE', `something goes on writing about session ${sessionId}`, {
    hint: 'it is tried again; look for a process of an older release',
  })
}

const expunge = async ({ catalog, state }: EraseContext): Promise<void> => {
  await catalog.expunge()
  await state.expunge()
}

/** When the last copy that we can name is gone. */
const untilOf = (ctx: EraseContext, isBusClean: boolean): Date => {
  const nowMs = ctx.clock.now()
  return new Date(Math.max(nowMs, nowMs + ctx.backupDays * dayMs, isBusClean ? 0 : nowMs + ctx.busRetentionMs))
}

/** Each step may be done again: after a crash all of them are. */
const apply = async (ctx: EraseContext, sessionId: SessionId, begun: CustodyErasure): Promise<void> => {
  await stopServing(ctx, sessionId, begun)
  await destroyKey(ctx, sessionId, begun)
  await sleep(ctx.settleMs ?? 2 * noticedWithinMs)
  const { isBusClean } = await forgetAll(ctx, sessionId)
  await expunge(ctx)
  const { act } = await ctx.erasure.drafted(sessionId, untilOf(ctx, isBusClean), await ctx.copiesOf(sessionId))
  await tell(ctx, act)
  await ctx.erasure.applied(sessionId)
  ctx.log.info({ sessionId }, 'the content of a session was erased')
}

/** What was late, or came out of a backup, goes now; then nothing is left that anybody could name. */
const end = async (ctx: EraseContext, sessionId: SessionId, begun: CustodyErasure): Promise<void> => {
  await destroyKey(ctx, sessionId, begun)
  await forgetAll(ctx, sessionId)
  await expunge(ctx)
  const { lastAct } = await ctx.erasure.draftedEnd(sessionId)
  await tell(ctx, lastAct)
  await ctx.catalog.markErasure(sessionId, 'erased')
  await ctx.erasure.ended(sessionId)
}

const goOn = async (ctx: EraseContext, { sessionId, erasure }: Custody): Promise<void> => {
  if (erasure === null) return
  if (erasure.appliedAt === null) await apply(ctx, sessionId, erasure)
  const after = (await ctx.custody.get(sessionId))!
  if (isErasureDue(after, ctx.clock.now())) await end(ctx, sessionId, after.erasure!)
}

/** A hold that came after the approval keeps the session; the approval waits for its end. */
const begin = async (ctx: EraseContext, approval: Approval): Promise<void> => {
  try {
    await ctx.erasure.begin(approval)
  } catch (error) {
    if (!hasCode(error, 'BTZ_HELD')) throw error
    ctx.log.warn(
      { sessionId: approval.subject, approval: approval.id },
      'an approved erasure waits: the session is held',
    )
    return
  }
  await ctx.approvals.done(approval.id)
}

/** All that is due: what was approved begins, what began goes on, what waited for its time ends. One after another. */
export const eraseDue = async (ctx: EraseContext): Promise<void> => {
  for (const approval of await ctx.approvals.due()) if (approval.action === 'erasure') await begin(ctx, approval)
  const failures: unknown[] = []
  for await (const custody of ctx.custody.all()) {
    if (!isErasureDue(custody, ctx.clock.now())) continue
    await goOn(ctx, custody).catch((err: unknown) => {
      ctx.log.error({ err, sessionId: custody.sessionId }, 'an erasure is not done yet, and goes on later')
      failures.push(err)
    })
  }
  if (failures.length > 0) throw failures[0]
}

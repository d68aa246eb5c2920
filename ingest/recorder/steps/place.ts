import { sameBytes } from '#services/recordings/format/chain.ts'
import type { PartitionContext } from '../context.ts'
import type { OpenSession, TakenBatch } from '../session.ts'
import { append } from './append.ts'
import { closeBlock } from './close-block.ts'
import { detached } from './decode.ts'
import { loadSession } from './load-session.ts'
import { placePast } from './place-past.ts'
import { isFull } from './plan-close.ts'
import { lowestWaiting, planOrder } from './plan-order.ts'
import { putAsideForeign, putAsideFork, putAsideUnencryptable } from './put-aside.ts'
import { report } from './report.ts'

const appendBatch = async (ctx: PartitionContext, session: OpenSession, batch: TakenBatch): Promise<boolean> => {
  if (isFull(session, batch.finished.byteLength, ctx.config.blockMaxBytes)) {
    if ((await closeBlock(ctx, session, 'size')) === 'taken') return false
  }
  const outcome = await append(ctx, session, batch)
  if (outcome === 'appended') return true
  await putAsideUnencryptable(ctx, session, batch)
  session.point = { seq: batch.decoded.batchSeq, hash: batch.hash }
  return true
}

/** The batch is kept although it denies its predecessor: in a block of its own chain, and everybody is told. */
const startOtherChain = async (ctx: PartitionContext, session: OpenSession, batch: TakenBatch): Promise<boolean> => {
  const { batchSeq: seq, prevHash } = batch.decoded
  if ((await closeBlock(ctx, session, 'gap')) === 'taken') return false
  const detail = `batch ${seq} does not name batch ${seq - 1} as its predecessor`
  await report(ctx, session, { status: 'tampered', what: 'chain', seq, detail })
  ctx.metrics.gaps.inc({ reason: 'chain' })
  session.gap = 'chain'
  session.point = { seq: seq - 1, hash: Uint8Array.from(prevHash) }
  return appendBatch(ctx, session, batch)
}

const wait = async (ctx: PartitionContext, session: OpenSession, batch: TakenBatch): Promise<void> => {
  const there = session.waiting.get(batch.decoded.batchSeq)
  if (there === undefined) {
    session.waiting.set(batch.decoded.batchSeq, { ...detached(batch), sinceMs: ctx.clock.now() })
  } else if (sameBytes(there.hash, batch.hash)) ctx.metrics.duplicates.inc()
  else await putAsideFork(ctx, session, batch, there.hash)
}

/** @returns false when a block was refused on the way: then the backlog begins with its batches */
const place = async (ctx: PartitionContext, session: OpenSession, batch: TakenBatch): Promise<boolean> => {
  if (batch.decoded.bastion !== session.bastion) {
    await putAsideForeign(ctx, session, batch)
    return true
  }
  const plan = planOrder(session, batch)
  if (plan === 'append') return appendBatch(ctx, session, batch)
  if (plan === 'chain') return startOtherChain(ctx, session, batch)
  if (plan === 'wait') await wait(ctx, session, batch)
  else await placePast(ctx, session, batch)
  return true
}

/** The key of a block was taken: goes on after what stands there, as after a restart. */
const lookAgain = async (ctx: PartitionContext, session: OpenSession): Promise<void> => {
  const [first] = session.backlog
  if (first) {
    const { prefix, point, end } = await loadSession(ctx, first)
    Object.assign(session, { prefix: prefix ?? session.prefix, point, end: session.end ?? end, lookup: null })
    // What took the key does not hold the batch: no other key is this batch's, so it can never be stored.
    if (planOrder(session, first) !== 'past') {
      await putAsideFork(ctx, session, first, null)
      session.point = { seq: first.decoded.batchSeq, hash: first.hash }
      session.gap = 'fork'
      session.backlog.shift()
    }
  }
  session.refusedSeq = null
}

/** Places all that is to be placed. Whatever fails stays in the backlog, and uncommitted. */
export const placeAll = async (ctx: PartitionContext, session: OpenSession): Promise<void> => {
  while (true) {
    if (session.refusedSeq !== null) await lookAgain(ctx, session)
    const [batch] = session.backlog
    if (batch) {
      if (await place(ctx, session, batch)) session.backlog.shift()
      continue
    }
    const next = session.waiting.get((session.point?.seq ?? -1) + 1)
    if (!next) return
    session.backlog.push(next)
    session.waiting.delete(next.decoded.batchSeq)
  }
}

/** What is missing before the waiting batches did not come: the gap gets its name, and the session goes on after it. */
export const acceptGap = async (ctx: PartitionContext, session: OpenSession): Promise<void> => {
  const next = lowestWaiting(session)
  if (next === null) return
  if ((await closeBlock(ctx, session, 'gap')) !== 'taken') {
    const first = (session.point?.seq ?? -1) + 1
    const { batchSeq: seq, prevHash } = next.decoded
    const detail = `batches ${first} to ${seq - 1} of session ${session.sessionId} did not come`
    await report(ctx, session, { status: 'stopped', what: 'lost', seq: first, detail })
    ctx.metrics.gaps.inc({ reason: 'lost' })
    session.gap = 'lost'
    session.point = { seq: seq - 1, hash: prevHash }
  }
  await placeAll(ctx, session)
}

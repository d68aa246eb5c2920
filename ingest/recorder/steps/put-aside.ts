import type { ErrorCode } from '#services/errors.ts'
import type { RecorderContext } from '../context.ts'
import type { OpenSession, TakenBatch } from '../session.ts'
import { type Finding, report } from './report.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A batch that cannot become evidence: told to everybody, and kept raw. */
const putAside = async (
  ctx: RecorderContext,
  session: OpenSession,
  batch: TakenBatch,
  code: ErrorCode,
  finding: Omit<Finding, 'seq' | 'status'>,
): Promise<void> => {
  await report(ctx, session, { ...finding, status: 'tampered', seq: batch.decoded.batchSeq })
  await ctx.deadLetters.write(batch.record, { code, reason: `${finding.what}: ${finding.detail}` })
}

/** Something else stands in the place of this batch. `standing`: its hash, null when it cannot be read. */
export const putAsideFork = (
  ctx: RecorderContext,
  session: OpenSession,
  batch: TakenBatch,
  standing: Uint8Array | null,
): Promise<void> => {
  const { batchSeq } = batch.decoded
  const there = standing === null ? 'evidence that cannot be read' : hex(standing)
  ctx.metrics.gaps.inc({ reason: 'fork' })
  const detail = `batch ${batchSeq} came as ${hex(batch.hash)}, in its place stands ${there}`
  return putAside(ctx, session, batch, 'BTZ_EVIDENCE_CORRUPT', { what: 'fork', detail })
}

export const putAsideForeign = (ctx: RecorderContext, session: OpenSession, batch: TakenBatch): Promise<void> => {
  const detail = `batch ${batch.decoded.batchSeq} came from bastion ${batch.decoded.bastion}`
  return putAside(ctx, session, batch, 'BTZ_FORBIDDEN', { what: 'bastion', detail })
}

export const putAsideUnencryptable = (ctx: RecorderContext, session: OpenSession, batch: TakenBatch): Promise<void> => {
  const detail = `the key of session ${session.sessionId} is damaged`
  return putAside(ctx, session, batch, 'BTZ_KEY_INVALID', { what: 'corrupt', detail })
}

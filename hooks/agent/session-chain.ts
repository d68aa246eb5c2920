import { type KeyObject, randomBytes } from 'node:crypto'
import type { Origin, SessionOpening } from '#hooks/hook.ts'
import {
  batchHash,
  batchSaltBytes,
  type DecodedBatch,
  decodeBatchHeader,
  decodeFrames,
  encodeFrameBatch,
  type Frame,
  Stream,
} from '#services/recordings/format/frame-batch.ts'
import { signHead } from '#services/recordings/format/signed-head.ts'
import type { SessionEnd, SessionStart } from '#services/schema/generated/frame_batch_pb.ts'
import { isExecMarker } from './session-marker.ts'
import type { SpoolEntry } from './spool/record.ts'

/** What the events of a session say about it. */
export type SessionFacts = Origin &
  Pick<SessionOpening, 'hook' | 'startedAtMs'> & { parentId: string | null; tty: boolean }

/** A session as far as it has been given to the spool: all a restart needs to go on with it, or to end it. */
export type SessionChain = {
  readonly sessionId: string
  readonly facts: SessionFacts
  seq: number // of the last batch; -1 before the first
  hash: Uint8Array // of its finished bytes
  elapsedNs: bigint // sum of the delays of all frames
  closedAtMs: number // wall clock of the last batch
  signedAtMs: number // when a head was signed last
  outBytes: number
  inBytes: number
  lastInputNs: bigint
  maxIdleNs: bigint // longest silence on input so far
  execMarkers: number
  commandEvents: number
  end: { atMs: number; exitCode: number | null; signal: string | null; runTimeNs: bigint } | null
  sealed: boolean
}

export const newChain = (sessionId: string, facts: SessionFacts, nowMs: number): SessionChain => ({
  sessionId,
  facts,
  seq: -1,
  hash: randomBytes(32), // batch 0 names no predecessor: no hash in a public log can be guessed from its content
  elapsedNs: 0n,
  closedAtMs: nowMs,
  signedAtMs: nowMs,
  outBytes: 0,
  inBytes: 0,
  lastInputNs: 0n,
  maxIdleNs: 0n,
  execMarkers: 0,
  commandEvents: 0,
  end: null,
  sealed: false,
})

const inputs: ReadonlySet<Stream> = new Set([Stream.TTYIN, Stream.STDIN])
const outputs: ReadonlySet<Stream> = new Set([Stream.TTYOUT, Stream.STDOUT, Stream.STDERR])

export const sourceBytes = ({ data, masked }: Frame): number => masked?.length ?? data.byteLength

const countFrame = (chain: SessionChain, frame: Frame): void => {
  chain.elapsedNs += frame.delayNs
  if (outputs.has(frame.stream)) chain.outBytes += sourceBytes(frame)
  else if (isExecMarker(frame)) chain.execMarkers += 1
  if (!inputs.has(frame.stream)) return
  chain.inBytes += sourceBytes(frame)
  chain.maxIdleNs = maxIdleNs(chain)
  chain.lastInputNs = chain.elapsedNs
}

/** The longest silence on input, the one that lasts now included. */
export const maxIdleNs = ({ elapsedNs, lastInputNs, maxIdleNs }: SessionChain): bigint =>
  elapsedNs - lastInputNs > maxIdleNs ? elapsedNs - lastInputNs : maxIdleNs

export type NewBatch = { frames: readonly Frame[]; start?: SessionStart; end?: SessionEnd }
export type Signing = { privateKey: KeyObject; everyMs: number }

const endOf = ({ atMs, exitCode, signal, runTimeNs }: SessionEnd): SessionChain['end'] => ({
  atMs: Number(atMs),
  exitCode: exitCode ?? null,
  signal: signal || null,
  runTimeNs,
})

const isSeal = (chain: SessionChain): boolean => chain.end !== null

/** The next batch, finished, and the chain advanced by it: to be called in the order of the spool. */
export const extendChain = (
  chain: SessionChain,
  { frames, start, end }: NewBatch,
  bastion: string,
  { privateKey, everyMs }: Signing,
  nowMs: number,
): SpoolEntry => {
  const { sessionId, seq, hash, elapsedNs } = chain
  const records = frames.length > 0 || start !== undefined || end !== undefined
  const signs = seq >= 0 && (isSeal(chain) || nowMs - chain.signedAtMs >= everyMs)
  const body = encodeFrameBatch(
    {
      sessionId,
      bastion,
      batchSeq: seq + 1,
      prevHash: hash,
      startNs: elapsedNs,
      closedAtMs: nowMs,
      salt: records ? randomBytes(batchSaltBytes) : new Uint8Array(0),
      ...(start && { start }),
      ...(end && { end }),
      ...(signs && { head: signHead(privateKey, { sessionId, seq, hash, atMs: nowMs }) }),
    },
    frames,
  )
  if (signs) chain.signedAtMs = nowMs
  advance(chain, body, frames, nowMs, end)
  return { type: 'batch', sessionId, seq: seq + 1, body }
}

const advance = (
  chain: SessionChain,
  body: Uint8Array,
  frames: readonly Frame[],
  closedAtMs: number,
  end: SessionEnd | undefined,
): void => {
  if (isSeal(chain)) chain.sealed = true
  chain.seq += 1
  chain.hash = batchHash(body)
  chain.closedAtMs = closedAtMs
  for (const frame of frames) countFrame(chain, frame)
  if (end) chain.end = endOf(end)
}

const factsOf = (start: SessionStart): SessionFacts => ({
  hook: start.hook,
  startedAtMs: Number(start.atMs),
  user: start.user,
  runAs: start.runAs || null,
  target: start.target || null,
  sourceIp: start.sourceIp || null,
  sourcePort: start.sourcePort || null,
  connectionId: start.connectionId || null,
  parentId: start.parentId || null,
  tty: start.tty !== '',
})

/** Frames without their data, where it is not needed: only markers are looked into. */
const framesForCount = (batch: DecodedBatch): Frame[] => {
  const { message } = batch
  if (message.stream.includes(Stream.MARKER)) return decodeFrames(batch)
  const frames = message.delayNs.map((delayNs, index) => ({
    delayNs,
    stream: message.stream[index]!,
    data: new Uint8Array(0),
    masked: { length: message.length[index]!, rule: '' },
  }))
  for (const { frame, length } of message.masked) frames[frame]!.masked.length = length
  return frames
}

/**
 * The chain after a batch that an earlier process wrote. `chain`: undefined at batch 0.
 * @throws BTZ_BATCH_INVALID
 */
export const readIntoChain = (chain: SessionChain | undefined, body: Uint8Array): SessionChain | undefined => {
  const batch = decodeBatchHeader(body)
  const known = chain ?? (batch.start && newChain(batch.sessionId, factsOf(batch.start), batch.closedAtMs))
  if (!known) return undefined
  // A restart vouches for what it found: the next batch carries a head.
  known.signedAtMs = Number.NEGATIVE_INFINITY
  advance(known, body, framesForCount(batch), batch.closedAtMs, batch.end)
  known.seq = batch.batchSeq
  return known
}

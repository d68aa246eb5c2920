import type { BusRecord } from '#services/bus/bus.ts'
import type { Recorded } from '#services/custody/retention-rules.ts'
import type { BlockBuilder, FinishedBlock, NewBatch } from '#services/recordings/format/block-builder.ts'
import type { ChainPoint } from '#services/recordings/format/chain.ts'
import type { GapReason, Manifest } from '#services/recordings/format/manifest.ts'

/** A batch with the bus record it came in: committed only when it is evidence. */
export type TakenBatch = NewBatch & { record: BusRecord }

export type OpenBlock = {
  builder: BlockBuilder
  firstSeq: number
  hashes: Uint8Array[] // of its batches, from firstSeq on
  openedAtMs: number
  firstOffset: number // lowest offset on the bus of what it holds
  /** Set by the first attempt to store it: nothing is appended any more, every attempt puts the same bytes. */
  finished: FinishedBlock | null
}

export type WaitingBatch = TakenBatch & { sinceMs: number }

/** What a worker knows of a session between an assignment and its seal. */
export type OpenSession = {
  readonly sessionId: string
  readonly bastion: string
  prefix: string | null // of its evidence keys; null until there is a first block
  key: Uint8Array | null
  recorded: Recorded | null // null: its batch 0 was taken by another process, or before a restart
  point: ChainPoint | null // last batch that is durable or in the open block
  block: OpenBlock | null
  waiting: Map<number, WaitingBatch>
  /** Batches that are to be placed, in this order: what came last, and all of a block that was refused. */
  backlog: TakenBatch[]
  /** First seq of a block whose key turned out to be taken: what is stored has to be looked at again. */
  refusedSeq: number | null
  gap: GapReason | null // why the next block does not continue the one before
  end: { reason: Manifest['endReason'] | null; atMs: number; headSeen: boolean } | null
  /** Offset from which on the records stay uncommitted because the manifest is still to be written. */
  sealHold: number | null
  /** Hashes of the stored block that was looked into last. */
  lookup: { firstSeq: number; hashes: Uint8Array[] } | null
  touchedAtMs: number
}

export const heldBytes = ({ block, waiting, backlog }: OpenSession): number => {
  const apart = [...waiting.values(), ...backlog].reduce((sum, { finished }) => sum + finished.byteLength, 0)
  return apart + (block === null ? 0 : (block.finished?.bytes.byteLength ?? block.builder.sizeBytes))
}

/** The lowest offset on the bus that must stay uncommitted for this session. */
const firstHeldOffset = ({ block, waiting, backlog, sealHold }: OpenSession): number => {
  const apart = [...waiting.values(), ...backlog].map(({ record }) => record.offset)
  return Math.min(block?.firstOffset ?? Infinity, sealHold ?? Infinity, ...apart)
}

/** Nothing of it would be lost by forgetting it: what is stored says the rest. */
export const isForgettable = (session: OpenSession): boolean => firstHeldOffset(session) === Infinity

/** Up to where a partition may be committed. */
export const planCommit = (sessions: Iterable<OpenSession>, nextOffset: number): number => {
  let lowest = nextOffset
  for (const session of sessions) lowest = Math.min(lowest, firstHeldOffset(session))
  return lowest
}

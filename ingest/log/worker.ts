import type { BusRecord, ConsumeControl } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createSerial } from '#services/bus/serial.ts'
import type { Edge } from '#services/proofs/growth.ts'
import { type Leaf, readLeaf } from '#services/proofs/leaf.ts'
import type { LogContext } from './context.ts'
import { loadEdge } from './steps/load-edge.ts'
import { isNewLeaf } from './steps/place-leaf.ts'
import { writeCheckpoint } from './steps/write-checkpoint.ts'

const maxWaiting = 4_096 // leaves without a checkpoint; beyond, one comes early
const lookedUpAtOnce = 16

type Taken = { record: BusRecord; leaf: Leaf | null; index: number | null }

/**
 * Appends what one partition, the only one, brings. The order of the partition is that of the log, a leaf that comes again
 * is left out, and nothing else decides: any two writers write equal bytes. An offset is committed when a checkpoint
 * covers what is before it.
 */
export const createLogWorker = (ctx: LogContext, commit: (nextOffset: number) => Promise<void>): PartitionWorker => {
  const exclusively = createSerial()
  let loaded: Edge | null = null
  let waiting = new Map<string, Leaf>()
  let nextOffset = 0
  let committed = 0
  let isDropped = false

  const edgeNow = async (): Promise<Edge> => {
    loaded ??= await loadEdge(ctx)
    ctx.metrics.size.set(loaded.size)
    return loaded
  }
  const checkpoint = async (): Promise<void> => {
    if (waiting.size > 0 && !isDropped) {
      loaded = await writeCheckpoint(ctx, await edgeNow(), [...waiting.values()])
      waiting = new Map()
      ctx.metrics.size.set(loaded.size)
    }
    if (isDropped || waiting.size > 0 || nextOffset <= committed) return
    await commit(nextOffset)
    committed = nextOffset
  }

  const lookUp = async (record: BusRecord): Promise<Taken> => {
    const leaf = readLeaf(record.value)
    return { record, leaf, index: leaf && (await ctx.reader.indexOf(leaf.id)) }
  }
  const take = async ({ record, leaf, index }: Taken): Promise<void> => {
    if (leaf === null) await ctx.deadLetters.write(record, { code: 'BTZ_REQUEST_INVALID', reason: 'not a leaf' })
    else if (await ctx.gate.admits(record, '')) {
      const { size } = await edgeNow()
      const isNew = !waiting.has(leaf.id) && (await isNewLeaf(ctx, leaf, index, { size, next: size + waiting.size }))
      if (isNew) waiting.set(leaf.id, leaf)
      else ctx.metrics.duplicates.inc()
    }
    nextOffset = record.offset + 1
  }
  const takeRun = async (records: BusRecord[], { heartbeat, signal }: ConsumeControl): Promise<void> => {
    // A run that failed comes again: what was taken of it before is held here.
    const fresh = records.filter(({ offset }) => offset >= nextOffset)
    for (let first = 0; first < fresh.length; first += lookedUpAtOnce) {
      if (isDropped || signal.aborted) return
      for (const taken of await Promise.all(fresh.slice(first, first + lookedUpAtOnce).map(lookUp))) await take(taken)
      if (waiting.size >= maxWaiting) await checkpoint()
      await heartbeat()
    }
  }
  return {
    takeRun: (records, control) => exclusively(() => takeRun(records, control)),
    // Duplicates and what was put aside need no checkpoint.
    tick: () => exclusively(async () => (waiting.size === 0 ? checkpoint() : undefined)),
    drain: () =>
      exclusively(async () => {
        if (!isDropped) await edgeNow() // a checkpoint of before is told of, and checked, also when nothing comes
        await checkpoint()
      }),
    drop: () => {
      isDropped = true
      waiting = new Map()
    },
  }
}

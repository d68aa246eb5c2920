import { setTimeout as sleep } from 'node:timers/promises'
import { BartizanError } from '../errors.ts'
import type { Elastic } from './elastic-client.ts'

/** One write: the NDJSON lines of an action and its document, each ended by a newline. */
export type BulkItem = string
/** `exists`: the document is there already, or there in a newer version. `refused`: it can never be taken. */
export type BulkOutcome = { outcome: 'done' | 'exists' } | { outcome: 'refused'; reason: string }

const maxBodyChars = 4 * 1024 * 1024
const maxBodyItems = 2_000
const inFlight = 2
const shardWait = '5s' // for a shard that is not there, before the item fails
const backOffMs = [100, 200, 400, 800, 1_600, 3_200]

type ItemAnswer = { status: number; error?: { type: string; reason?: string } }
type BulkAnswer = { items: Record<string, ItemAnswer>[] }

// Anything else of status 400 (too many shards, a wrong setting) is mended by an operator, and must not cost a document.
const hopeless = new Set(['document_parsing_exception', 'mapper_parsing_exception', 'parsing_exception'])

const isHopeless = ({ status, error }: ItemAnswer): boolean =>
  status === 400 &&
  error !== undefined &&
  (hopeless.has(error.type) || (error.reason ?? '').startsWith('Document contains at least one immense term'))

/** Null: it has to be sent again. */
const outcomeOf = (answer: ItemAnswer): BulkOutcome | null => {
  if (answer.status < 300) return { outcome: 'done' }
  if (answer.status === 404 && answer.error === undefined) return { outcome: 'done' } // deleted, and was not there
  if (answer.status === 409) return { outcome: 'exists' }
  return isHopeless(answer) ? { outcome: 'refused', reason: answer.error?.type ?? 'unknown' } : null
}

/** Outside of the heap at once: one string of megabytes would be copied by every garbage collection. */
const bytesOf = (items: readonly BulkItem[]): Buffer => {
  const bytes = Buffer.allocUnsafe(items.reduce((sum, item) => sum + Buffer.byteLength(item), 0))
  let end = 0
  for (const item of items) end += bytes.write(item, end)
  return bytes
}

const send = async (elastic: Elastic, items: readonly BulkItem[]): Promise<ItemAnswer[]> => {
  const { body } = await elastic.request<BulkAnswer>({
    method: 'POST',
    path: '/_bulk',
    query: { filter_path: 'items.*.status,items.*.error.type,items.*.error.reason', timeout: shardWait },
    ndjson: bytesOf(items),
  })
  return body.items.map((item) => Object.values(item)[0]!)
}

/** Until each is decided. @throws BTZ_UNAVAILABLE after all tries: some may be written */
const sendUntilDecided = async (elastic: Elastic, items: readonly BulkItem[]): Promise<BulkOutcome[]> => {
  const outcomes = new Array<BulkOutcome>(items.length)
  let open = items.map((_, index) => index)
  for (let attempt = 0; ; attempt++) {
    const answers = await send(
      elastic,
      open.map((index) => items[index]!),
    )
    let failed: ItemAnswer | null = null
    open = open.filter((index, at) => {
      const outcome = outcomeOf(answers[at]!)
      if (outcome) outcomes[index] = outcome
      else failed = answers[at]!
      return outcome === null
    })
    if (failed === null) return outcomes
    const waitMs = backOffMs[attempt]
    if (waitMs === undefined) throw notTaken(failed, open.length)
    await sleep(waitMs)
  }
}

const notTaken = ({ status, error }: ItemAnswer, count: number): BartizanError =>
  new BartizanError(
    'BTZ_UNAVAILABLE',
    `Elasticsearch does not take ${count} documents now: ${status} ${error?.type ?? ''}`,
    {
      hint: 'look at the health, the disks and the shard limit of the cluster',
    },
  )

type Chunk = { first: number; items: BulkItem[]; chars: number }

const chunksOf = (items: readonly BulkItem[]): Chunk[] => {
  const chunks: Chunk[] = []
  for (const [index, item] of items.entries()) {
    const last = chunks.at(-1)
    if (last && last.chars + item.length <= maxBodyChars && last.items.length < maxBodyItems) {
      last.items.push(item)
      last.chars += item.length
    } else chunks.push({ first: index, items: [item], chars: item.length })
  }
  return chunks
}

/**
 * Writes in requests of a few MiB, read item by item: what the cluster is too busy for is sent again, and only that.
 * In no order. @throws BTZ_UNAVAILABLE: some may be written
 */
export const sendBulk = async (elastic: Elastic, items: readonly BulkItem[]): Promise<BulkOutcome[]> => {
  const chunks = chunksOf(items)
  const outcomes = new Array<BulkOutcome>(items.length)
  let next = 0
  const lane = async (): Promise<void> => {
    for (let chunk = chunks[next++]; chunk; chunk = chunks[next++]) {
      const decided = await sendUntilDecided(elastic, chunk.items)
      for (const [at, outcome] of decided.entries()) outcomes[chunk.first + at] = outcome
    }
  }
  await Promise.all(Array.from({ length: Math.min(inFlight, chunks.length) }, lane))
  return outcomes
}

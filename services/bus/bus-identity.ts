import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { systemCode } from '../disk-error.ts'
import { syncFolder, writeFileDurably } from '../durable-file.ts'
import { BartizanError } from '../errors.ts'
import { partitionsFor, type Topic, topics } from './bus.ts'
import { markBytes } from './record-codec.ts'

const BusFile = z.object({
  format: z.literal(0),
  id: z.uuid(),
  mark: z.string().regex(/^[0-9a-f]{16}$/),
  partitions: z.record(z.string(), z.number().int().min(1).max(1000)),
})
type BusFile = z.infer<typeof BusFile>

export type BusIdentity = { id: string; mark: Buffer; partitions: Map<Topic, number> }

const damaged = (path: string, cause?: unknown): BartizanError =>
  new BartizanError('BTZ_BUS_CORRUPT', `${path} at offset 0: not readable as the bus's identity`, {
    cause,
    hint: 'the records beside it cannot be read without it: restore it from a copy',
  })

const readBusFile = async (path: string): Promise<BusFile | null> => {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
  try {
    return BusFile.parse(JSON.parse(text))
  } catch (cause) {
    throw damaged(path, cause)
  }
}

const newBusFile = async (folder: string, path: string): Promise<BusFile> => {
  const names = await readdir(folder)
  if (topics.some((topic) => names.includes(topic))) throw damaged(path)
  return { format: 0, id: randomUUID(), mark: randomBytes(markBytes).toString('hex'), partitions: {} }
}

/** Made once. Partition counts are those of the day a topic was made, whatever is asked for later. */
export const openIdentity = async (folder: string, configuredPartitions: number): Promise<BusIdentity> => {
  const path = join(folder, 'bus.json')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await syncFolder(dirname(folder))
  const file = (await readBusFile(path)) ?? (await newBusFile(folder, path))
  const newTopics = topics.filter((topic) => file.partitions[topic] === undefined)
  for (const topic of newTopics) file.partitions[topic] = partitionsFor(topic, configuredPartitions)
  if (newTopics.length > 0) await writeFileDurably(path, `${JSON.stringify(file, null, 2)}\n`)
  return {
    id: file.id,
    mark: Buffer.from(file.mark, 'hex'),
    partitions: new Map(topics.map((topic) => [topic, file.partitions[topic]!])),
  }
}

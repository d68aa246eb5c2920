import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createLogWriter } from '#ingest/log/log-writer.ts'
import type { Bus } from '#services/bus/bus.ts'
import { systemClock } from '#services/clock.ts'
import { createLogger, type Logger } from '#services/log.ts'
import { openCheckpoint } from '#services/proofs/checkpoint.ts'
import { leafRecord, readLeaf } from '#services/proofs/leaf.ts'
import { createLogKeys } from '#services/proofs/log-keys.ts'
import { createLogReader } from '#services/proofs/log-reader.ts'
import { type NoteSigner, verifierOf } from '#services/proofs/note.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import type { RecordingStore } from '#services/recordings/recording-store.ts'
import { openLogBus } from '#test/helpers/open-log-bus.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { memoryLog, naiveRoot } from '#test/services/proofs/naive-tree.ts'

const log = createLogger('log-test', 'silent')

/** A log, and what was said in it of a fork. */
export const forkLog = () => {
  const forks: string[] = []
  const write = (line: string) => void (line.includes('BTZ_LOG_FORK') && forks.push(line))
  return { log: pino({ level: 'error' }, { write }), forks }
}

export const newSigner = (): NoteSigner => ({
  name: 'test.example/log',
  privateKey: generateKeyPairSync('ed25519').privateKey,
})
export const recordOf = (n: number) =>
  leafRecord('manifest', `evidence/v1/2026-01-31/s${n}/manifest-0001`, Buffer.of(n))
export const recordsTo = (count: number) => Array.from({ length: count }, (_, n) => recordOf(n))
export const entriesOf = (records: ReturnType<typeof recordsTo>) => records.map(({ value }) => readLeaf(value)!.entry)

/** A bus of its own with these records, in this order. */
export const busWith = async (t: Teardown, records: ReturnType<typeof recordsTo>): Promise<Bus> => {
  const bus = await openLogBus({ folder: join(await temporaryFolder(t), 'bus') })
  t.teardown(bus.close)
  if (records.length > 0) await bus.produce(records)
  return bus
}
export const newStore = async (t: Teardown): Promise<RecordingStore> => {
  const recordings = await createFileRecordingStore({ folder: await temporaryFolder(t), immutable: false, log })
  t.teardown(recordings.close)
  return recordings
}
type Place = { bus: Bus; recordings: RecordingStore; logKey: NoteSigner }

/** A writer that makes checkpoints when it is told to, or by `every`. */
export const startWriter = async (
  t: Teardown,
  { every = '0 0 1 1 1 *', ...place }: Place & { every?: string; log?: Logger },
) => {
  const settings = {
    origins: null,
    bastion: 'ingest-1',
    maxRetentionYears: 10,
    clock: systemClock,
    registry: new Registry(),
    every,
  }
  const writer = await createLogWriter({ log, ...place, ...settings })
  t.teardown(writer.close)
  return writer
}

type Stored = Pick<Place, 'recordings' | 'logKey'>
export const latestSize = ({ recordings, logKey }: Stored): Promise<number | null> =>
  createLogReader(recordings, verifierOf(logKey)).latestSize()
export const keysOf = ({ logKey }: Stored) => createLogKeys(verifierOf(logKey))

/** The checkpoints there are, each opened, and everything in the log compared with what the entries alone make of it. */
export const wrongInLog = async ({ recordings, logKey }: Stored, entries: Buffer[]): Promise<string[]> => {
  const expected = memoryLog()
  for (const entry of entries) expected.append([entry])
  const wrong: string[] = []
  const { checkpoints, tile } = keysOf({ recordings, logKey })
  const root = tile({ level: 0, index: 0, width: 256 }).slice(0, -'tile/0/000'.length)
  for (const { key } of await recordings.list(`${root}tile/`, { limit: 100_000 })) {
    const bytes = expected.tiles.get(key.slice(root.length))
    if (!bytes || Buffer.compare(bytes, await recordings.get(key)) !== 0) wrong.push(key)
  }
  for (const { key } of await recordings.list(checkpoints, { limit: 100_000 })) {
    const { size, root } = openCheckpoint(await recordings.get(key), verifierOf(logKey))
    if (Buffer.compare(naiveRoot(entries.slice(0, size)), root) !== 0) wrong.push(key)
  }
  return wrong
}

/** Resolves when a checkpoint covers so many leaves; asks for one over and over. */
export const untilSize = (writer: { drain(): Promise<void> }, place: Stored, size: number) =>
  until(
    async () => {
      await writer.drain()
      return (await latestSize(place)) === size
    },
    { limitMs: 30_000, what: `a checkpoint of ${size} leaves` },
  )

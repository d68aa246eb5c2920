import { join } from 'node:path'
import { Registry } from 'prom-client'
import { createLogWriter } from '#ingest/log/log-writer.ts'
import { systemClock } from '#services/clock.ts'
import { obtainLogSigner } from '#services/keys/log-key.ts'
import { createLogger } from '#services/log.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import { openLogBus } from './open-log-bus.ts'

/** A log writer on the bus of a folder, to be killed: makes a checkpoint of whatever has come, over and over; ends when all is done. */
const [folder = ''] = process.argv.slice(2)
const log = createLogger('child', 'silent')
const bus = await openLogBus({ folder: join(folder, 'bus') })
const recordings = await createFileRecordingStore({ folder, immutable: false, log })
const logKey = await obtainLogSigner(join(folder, 'keys'))
const settings = {
  origins: null,
  bastion: 'child',
  maxRetentionYears: 10,
  clock: systemClock,
  log,
  registry: new Registry(),
}
const writer = await createLogWriter({ bus, recordings, logKey, ...settings })
process.stdout.write('ready\n')
const isDone = async () => (await bus.lag()).every(({ committed, end }) => committed === end)
// Without a pause the bus would never get to read.
do {
  await writer.drain()
  await new Promise((resolve) => setTimeout(resolve, 1))
} while (!(await isDone()))
await writer.close()
await recordings.close()
await bus.close()

import { Registry } from 'prom-client'
import { createRecorder } from '#ingest/recorder/recorder.ts'
import { openBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { createLogger } from '#services/log.ts'

/** The product's recorder alone in a process: bus → sealed evidence. */
const config = loadConfig(undefined, process.env)
const log = createLogger('bench-recorder', config.log.level)
const backends = await openBackends(config, systemClock, log)
const recorder = await createRecorder({
  ...backends,
  config: config.ingest,
  retentionDays: config.recordings.retentionDays,
  clock: systemClock,
  log,
  registry: new Registry(),
})
process.once('SIGTERM', () => {
  void recorder
    .close()
    .then(() => backends.close())
    .then(() => process.exit(0))
})
process.stdout.write('ready\n')

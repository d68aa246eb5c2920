import { Registry } from 'prom-client'
import { createIndexer } from '#ingest/indexer/indexer.ts'
import { openReceiverBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { createLogger } from '#services/log.ts'

/** The product's indexer alone in a process, as the peer's is. */
const config = loadConfig(undefined, process.env)
const log = createLogger('bench-indexer', config.log.level)
const backends = await openReceiverBackends(config, systemClock, log)
const indexer = await createIndexer({
  ...backends,
  config: config.ingest,
  clock: systemClock,
  log,
  registry: new Registry(),
})
process.once('SIGTERM', () => {
  void indexer
    .close()
    .then(() => backends.close())
    .then(() => process.exit(0))
})
process.stdout.write('ready\n')

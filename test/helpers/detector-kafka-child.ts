import { readFileSync } from 'node:fs'
import { createPrograms } from '#detectors/programs.ts'
import { systemClock } from '#services/clock.ts'
import { openRunner } from './detector-runner.ts'
import { directoryOf } from './directory-of.ts'
import { openElasticState } from './open-elastic-state.ts'
import { openKafkaBus } from './open-kafka-bus.ts'

/**
 * A worker of the detectors with the real rules on Kafka and Elasticsearch, to be killed. The argument is a file with their
 * settings and the directory. Says `ready`; ends with its input.
 */
const { kafka, elasticsearch, directory } = JSON.parse(readFileSync(process.argv[2]!, 'utf8'))
const [bus, state] = await Promise.all([openKafkaBus(kafka), openElasticState(elasticsearch)])
const backends = { bus, state, origins: null, clock: systemClock }
const runner = await openRunner(backends, { programs: createPrograms(), directory: directoryOf(directory) })
const ticking = setInterval(() => runner.tick().catch(() => {}), 500)
process.stdout.write('ready\n')
process.stdin.resume()
process.stdin.once('end', async () => {
  clearInterval(ticking)
  await runner.close()
  await bus.close()
  await state.close()
})

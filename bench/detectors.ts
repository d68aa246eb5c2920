import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { eventsOf, measureReplay, measureRunner } from './detectors/catch-up.ts'
import { measureLive } from './detectors/live.ts'
import { startStages } from './detectors/stages.ts'

/**
 * How soon an alert stands after its event was handed over, and how fast the detectors catch up: `npm run bench -- detectors`,
 * embedded, or with `--services FILE` (of `scripts/services up`) on a cluster.
 */
const { values } = parseArgs({
  options: {
    alerts: { type: 'string', default: '300' },
    rates: { type: 'string', default: '50,500' },
    events: { type: 'string', default: '100000' },
    services: { type: 'string' },
    only: { type: 'string' }, // live | catch-up
  },
})

const folder = await mkdtemp(join(tmpdir(), 'bartizan-bench-'))
const engines = values.services === undefined ? null : JSON.parse(await readFile(values.services, 'utf8'))
const name = engines === null ? 'embedded' : 'cluster'
const placeOf = async (part: string): Promise<{ data: string; env: Record<string, string> }> => {
  const data = join(folder, part)
  if (engines === null) return { data, env: {} }
  const { clusterEnv } = await import('#test/helpers/cluster-product.ts')
  return { data, env: await clusterEnv(data, engines) }
}

const live = async (): Promise<void> => {
  const { data, env } = await placeOf('live')
  const stages = await startStages(data, env)
  const rows = []
  for (const rate of values.rates.split(',').map(Number))
    rows.push(await measureLive(stages, Number(values.alerts), rate))
  await stages.stop()
  process.stdout.write(`from the event handed over to the alert, ${name}:\n`)
  console.table(rows)
}
const catchUp = async (): Promise<void> => {
  const { data, env } = await placeOf('catch-up')
  const events = eventsOf(Number(values.events))
  const backtest = await measureReplay(events)
  const config = loadConfig(undefined, { ...env, BARTIZAN_DATA: data })
  const backends = await openBackends(config, systemClock, createLogger('bench', 'warn'))
  const runner = await measureRunner(events, backends)
  await backends.close()
  process.stdout.write('events waiting, judged:\n')
  console.table({ [`runner, ${name}`]: runner, 'engine of backtest': backtest })
}

try {
  if (values.only !== 'catch-up') await live()
  if (values.only !== 'live') await catchUp()
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)

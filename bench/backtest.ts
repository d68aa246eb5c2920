import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createReplay } from '#detectors/backtest/replay.ts'
import { loadDirectory } from '#detectors/directory/load-directory.ts'
import { noGeo } from '#detectors/geo/geo.ts'
import { createPrograms } from '#detectors/programs.ts'
import { systemClock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { type Alert, RuleId } from '#services/schema/alert.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { generate } from './backtest/generate.ts'
import { score } from './backtest/score.ts'

/** What the rules find of what was planted, and what they say without a reason: on generated quarters of a company. */

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '101,102,103' },
    people: { type: 'string', default: '100' },
    days: { type: 'string', default: '91' },
    incidents: { type: 'string', default: '20' },
    scale: { type: 'string', default: '1' },
    directory: { type: 'string', default: 'whole' }, // or none
    explain: { type: 'boolean', default: false },
  },
})

const folder = await mkdtemp(join(tmpdir(), 'bartizan-bench-'))
const log = createLogger('bench', 'error')
const settings = DetectorSettings.parse({})

const run = async (seed: number) => {
  const { people, days, incidents, scale } = values
  const generated = generate(seed, {
    people: Number(people),
    days: Number(days),
    incidents: Number(incidents),
    scale: Number(scale),
  })
  const file = join(folder, `${seed}.json`)
  await writeFile(file, JSON.stringify(generated.directory))
  const directory = await loadDirectory({
    file: values.directory === 'none' ? undefined : file,
    log,
    clock: systemClock,
  })
  const context = { directory: directory.current(), geo: noGeo, settings }
  const replay = createReplay({ programs: createPrograms(), context, horizonMs: settings.horizonMs })
  const alerts: Alert[] = []
  let [events, replayMs] = [0, 0]
  for (const day of generated.events()) {
    const parsed = day.map((event) => SessionEvent.parse(event))
    const startedMs = performance.now()
    for (const event of parsed) replay.take(event)
    replayMs += performance.now() - startedMs
    events += parsed.length
    alerts.push(...replay.closed())
  }
  alerts.push(...replay.end())
  directory.close()
  const scores = score(
    alerts,
    generated.incidents.map(({ label }) => label),
  )
  return { scores, sessions: generated.sessions(), events, eventsPerSecond: Math.round(events / (replayMs / 1000)) }
}

try {
  for (const seed of values.seeds.split(',').map(Number)) {
    const { scores, sessions, events, eventsPerSecond } = await run(seed)
    const rows = RuleId.options.map((rule) => {
      const of = scores.get(rule)!
      const per1000 = ((1000 * of.false) / sessions).toFixed(2)
      return {
        rule,
        planted: of.planted,
        found: of.found,
        again: of.duplicates,
        collateral: of.collateral,
        false: of.false,
        'false per 1,000 sessions': per1000,
      }
    })
    const total = [...scores.values()].reduce((sum, one) => sum + one.false, 0)
    process.stdout.write(
      `seed ${seed}: ${events} events, ${sessions} sessions, ${eventsPerSecond} events/s; false alerts per 1,000 sessions: ${((1000 * total) / sessions).toFixed(2)}\n`,
    )
    console.table(rows)
    if (!values.explain) continue
    for (const [rule, { missed, falseExamples }] of scores) {
      for (const one of missed) process.stdout.write(`  ${rule} missed ${one}\n`)
      for (const one of falseExamples) process.stdout.write(`  ${rule} false ${one}\n`)
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

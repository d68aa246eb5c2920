import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { generateQuarter } from './company/generation.ts'
import { judge } from './company/judgement.ts'
import { directoryKinds, profiles } from './company/model.ts'
import { replay } from './company/replayed.ts'
import { reportOf } from './company/report.ts'
import { rowsOf } from './company/scores.ts'

/**
 * What the detectors find of what was planted in a quarter of a company, and what they say without a reason. Whoever wrote
 * this company and its judge had not seen the detectors, nor the company of `backtest`: it imports the schema and nothing of
 * detectors/ (test/architecture.test.ts), and runs the command as people do. Keep it so, or the figures mean less.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '11,12,13' },
    profiles: { type: 'string', default: profiles.join(',') }, // taken in turn
    directory: { type: 'string', default: 'whole' }, // or poor, none
    people: { type: 'string', default: '100' },
    days: { type: 'string', default: '91' },
    examples: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const chosen = z.array(z.enum(profiles)).nonempty().parse(values.profiles.split(','))
const directory = z.enum(directoryKinds).parse(values.directory)
const wholeNumber = z.coerce.number().int().nonnegative()
const [people, days] = [wholeNumber.parse(values.people), wholeNumber.parse(values.days)]
const examples = wholeNumber.parse(values.examples)

const run = async (seed: string, profile: (typeof profiles)[number], folder: string) => {
  const quarter = { seed, profile, directory, people, days }
  const labelled = generateQuarter(quarter, folder)
  const { alerts, events, eventsPerSecond, peakMB } = await replay(folder)
  const judgement = judge(alerts, labelled)
  const rows = rowsOf(judgement, labelled)
  const { sessions, humanSessions, unplaced } = labelled
  if (values.json) {
    const facts = { ...quarter, events, eventsPerSecond, peakMB, sessions, humanSessions, unplaced, rows }
    process.stdout.write(`${JSON.stringify(facts)}\n`)
    return
  }
  process.stdout.write(
    `seed ${seed}, ${profile}, directory ${directory}: ${events} events, ${sessions} sessions (${humanSessions} of people); ${eventsPerSecond} events/s, peak RSS ${peakMB} MB\n`,
  )
  if (unplaced.length > 0) process.stdout.write(`no place for ${unplaced.join(', ')}\n`)
  console.table(rows)
  process.stdout.write(reportOf(judgement, examples))
}

for (const [index, seed] of values.seeds.split(',').entries()) {
  const folder = await mkdtemp(join(tmpdir(), 'bartizan-bench-'))
  try {
    await run(seed, chosen[index % chosen.length]!, folder)
  } finally {
    if (values.keep) process.stdout.write(`${folder}\n`)
    else await rm(folder, { recursive: true, force: true })
  }
}

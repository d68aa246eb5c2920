import { eventStage } from './cluster/event-stage.ts'
import { readOptions, say } from './cluster/options.ts'
import { recordingStage } from './cluster/recording-stage.ts'
import type { Stage } from './cluster/rounds.ts'
import { searchableStage } from './cluster/searchable-stage.ts'
import { withSession } from './cluster/session.ts'

/** What each stage costs on real engines, ours beside the peer; run: `npm run bench -- cluster --help` */
const stages: Record<string, Stage> = { events: eventStage, recordings: recordingStage, searchable: searchableStage }

const options = await readOptions('cluster', { events: 60_000, rounds: 1 }, { events: 300_000, rounds: 3 })
const chosen = Object.keys(stages).filter((name) => options.isChosen(name))
say(`results: ${options.results.file}`)
await withSession(async (session) => {
  for (const name of chosen) await stages[name]!.measure(session, options)
})
for (const name of chosen) stages[name]!.print(options)

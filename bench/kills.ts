import { rm } from 'node:fs/promises'
import { bartizanIngest } from './cluster/bartizan.ts'
import { type Fault, type FaultRun, faults, runFault } from './cluster/fault-run.ts'
import { type Options, readOptions, say } from './cluster/options.ts'
import type { Pipeline } from './cluster/pipeline.ts'
import type { Result } from './cluster/results.ts'
import { removeIndices, type Session, withSession } from './cluster/session.ts'
import { rsyslogPeers } from './peers/rsyslog.ts'

/** What is lost and what is there twice after a fault, ours and the peer; run: `npm run bench -- kills --help` */

const measure = async (
  session: Session,
  { events, results }: Options,
  fault: Fault,
  pipeline: Pipeline,
): Promise<void> => {
  const key = { stage: 'kills', pipeline: pipeline.name, round: fault, size: events }
  if (results.find(key)) return
  say(`${fault}: ${pipeline.name}, ${events} events`)
  const place = await session.place(await session.eventFiles(events))
  try {
    await results.add(key, await runFault(pipeline, fault, place, events))
    await removeIndices(place)
  } catch (error) {
    process.exitCode = 1
    say(`${fault}: ${pipeline.name} failed: ${(error as Error).message}`)
    await session.discardEngines()
  } finally {
    await rm(place.folder, { recursive: true, force: true })
  }
}

const options = await readOptions('kills', { events: 60_000, rounds: 1 }, { events: 300_000, rounds: 1 })
const { events, isChosen, isContestant, results } = options
const pipelines = [bartizanIngest, ...rsyslogPeers].filter(isContestant)
const chosen = faults.filter(isChosen)
say(`results: ${results.file}`)
await withSession(async (session) => {
  for (const fault of chosen) for (const pipeline of pipelines) await measure(session, options, fault, pipeline)
})

const cell = (fault: Fault, pipeline: Pipeline): string => {
  const found = results.find({ stage: 'kills', pipeline: pipeline.name, round: fault, size: events })
  if (!found) return '-'
  const { lost, duplicated, seconds, producedAfter } = found as Result<FaultRun>
  const stuck = Math.max(0, events - producedAfter) // in a producer that waits, or gave it up
  return `${lost} lost${stuck > 0 ? ` (${stuck} not produced)` : ''}, ${duplicated} twice (${seconds.toFixed(0)} s)`
}
console.log(`${events} events each:`)
console.table(
  Object.fromEntries(
    chosen.map((fault) => [fault, Object.fromEntries(pipelines.map((one) => [one.name, cell(fault, one)]))]),
  ),
)

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { createInterface } from 'node:readline'
import { createPrograms } from '#detectors/programs.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import {
  createPace,
  eventRecords,
  fastClock,
  openDetectorBackends,
  openRunner,
  settleRunners,
} from './detector-runner.ts'
import { directoryOf } from './directory-of.ts'

/**
 * Detectors on their back ends, to be killed, that also send the events: arguments are the folder, a file with a list of
 * events per line, one with the directory, and how many workers. Begins when it is told the line to send from. Prints the number of lines that the
 * bus has; when all is done it closes and ends with 0.
 */
const [folder = '', eventFile = '', directoryFile = '', workers = '1'] = process.argv.slice(2)

flushCompileCache() // one that is killed would leave nothing for the next
const [from] = (await once(createInterface({ input: process.stdin }), 'line')) as [string]
const backends = await openDetectorBackends(folder, fastClock)
const directory = directoryOf(JSON.parse(readFileSync(directoryFile, 'utf8')))
const open = () => openRunner(backends, { programs: createPrograms(), directory })
const runners = await Promise.all(Array.from({ length: Number(workers) }, open))
const pace = createPace(backends.bus, runners)
const ticking = setInterval(() => Promise.all(runners.map((runner) => runner.tick())).catch(() => {}), 100)
const lines = readFileSync(eventFile, 'utf8').trim().split('\n')
process.stdout.write(`${from}\n`)
for (let at = Number(from); at < lines.length; at++) {
  const events = SessionEvent.array().parse(JSON.parse(lines[at]!))
  await pace(events)
  await backends.bus.produce(eventRecords(events))
  process.stdout.write(`${at + 1}\n`)
  await new Promise((resolve) => setTimeout(resolve, 5))
}
clearInterval(ticking)
await settleRunners(backends.bus, runners)
for (const runner of runners) await runner.close()
await backends.close()
process.stdin.destroy()

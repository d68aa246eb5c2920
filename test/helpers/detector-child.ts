import { readFileSync } from 'node:fs'
import { SessionEvent } from '#services/schema/session-event.ts'
import { eventRecords, fastClock, openDetectorBackends, openRunner, settleRunners } from './detector-runner.ts'

/**
 * Detectors on their back ends, to be killed, that also send the events: arguments are the folder, a file with an event
 * per line, the line to send from, and how many workers. Prints the number of lines that the bus has; when all is done it
 * closes and ends with 0.
 */
const [folder = '', eventFile = '', from = '0', workers = '1'] = process.argv.slice(2)
const together = 20

const backends = await openDetectorBackends(folder, fastClock)
const runners = await Promise.all(Array.from({ length: Number(workers) }, () => openRunner(backends)))
const ticking = setInterval(() => Promise.all(runners.map((runner) => runner.tick())).catch(() => {}), 100)
const lines = readFileSync(eventFile, 'utf8').trim().split('\n')
process.stdout.write(`${from}\n`)
for (let at = Number(from); at < lines.length; at += together) {
  const events = lines.slice(at, at + together).map((line) => SessionEvent.parse(JSON.parse(line)))
  await backends.bus.produce(eventRecords(events))
  process.stdout.write(`${Math.min(at + together, lines.length)}\n`)
  await new Promise((resolve) => setTimeout(resolve, 5))
}
clearInterval(ticking)
await settleRunners(backends.bus, runners)
for (const runner of runners) await runner.close()
await backends.close()

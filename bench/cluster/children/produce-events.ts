import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { openReceiverBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { hasCode } from '#services/errors.ts'
import { createLogger } from '#services/log.ts'

/** Puts the lines of a file that will appear onto the bus; what the bus does not take is offered until it does. */
const input = process.argv[2]!
const perUpload = 100 // an agent sends events of its own bastion only
const uploadsAtOnce = 16
const againMs = 200

const config = loadConfig(undefined, process.env)
const log = createLogger('bench-producer', config.log.level)
const { bus } = await openReceiverBackends(config, systemClock, log) // as a receiver, which signs what it writes

const bastionOf = (line: string): string => {
  const start = line.indexOf('"bastion":"') + '"bastion":"'.length
  return line.slice(start, line.indexOf('"', start))
}
const produce = async (key: string, lines: string[]): Promise<void> => {
  const records = lines.map((line) => ({ topic: 'session-events' as const, key, value: Buffer.from(line) }))
  for (;;) {
    try {
      await bus.produce(records)
      return
    } catch (error) {
      if (!hasCode(error, 'BTZ_UNAVAILABLE')) throw error
      log.warn({ err: error }, 'offered again')
      await wait(againMs)
    }
  }
}

process.once('SIGTERM', () => process.exit(0))
process.stdout.write('ready\n')
while (!existsSync(input)) await wait(10)
const file = await open(input)
const underWay = new Set<Promise<void>>()
const waiting = new Map<string, string[]>()
const flush = async (bastion: string): Promise<void> => {
  const upload = produce(bastion, waiting.get(bastion)!).finally(() => underWay.delete(upload))
  underWay.add(upload)
  waiting.delete(bastion)
  if (underWay.size >= uploadsAtOnce) await Promise.race(underWay)
}
for await (const line of file.readLines({ highWaterMark: 1024 * 1024 })) {
  const bastion = bastionOf(line)
  const lines = waiting.get(bastion) ?? []
  waiting.set(bastion, lines)
  lines.push(line)
  if (lines.length >= perUpload) await flush(bastion)
}
for (const bastion of [...waiting.keys()]) await flush(bastion)
await Promise.all(underWay)
process.stdout.write('produced\n')
setInterval(() => {}, 60_000) // what it cost is read from the system while it is there

import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { openReceiverBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { createSessionBatches, type SessionBatches } from '#test/helpers/session-batches.ts'

/** Terminal output as batches of sessions that run at the same time; they are made first, and produced when told. */
const [corpusFile, goFile] = process.argv.slice(2) as [string, string]
const sessionCount = 16
const frameBytes = 4096
const framesPerBatch = 63 // a batch's payload stays below 256 KiB
const batchesPerCall = 4 // of each session

const framesOf = (bytes: Buffer): Frame[] => {
  const count = Math.ceil(bytes.length / frameBytes)
  return Array.from({ length: count }, (_, n) => ({
    delayNs: 1_000_000n,
    stream: Stream.TTYOUT,
    data: bytes.subarray(n * frameBytes, (n + 1) * frameBytes),
  }))
}

const batchesOf = (session: SessionBatches, bytes: Buffer): Uint8Array[] => {
  const frames = framesOf(bytes)
  const batches = [session.first()]
  for (let at = 0; at < frames.length; at += framesPerBatch)
    batches.push(session.next(...frames.slice(at, at + framesPerBatch)))
  return [...batches, session.end()]
}

const corpus = readFileSync(corpusFile)
const perSession = Math.ceil(corpus.length / sessionCount)
const cpu = process.cpuUsage()
const sessions = Array.from({ length: sessionCount }, (_, n) => {
  const session = createSessionBatches({ atMs: Date.now() })
  return { key: session.sessionId, batches: batchesOf(session, corpus.subarray(n * perSession, (n + 1) * perSession)) }
})
const { user, system } = process.cpuUsage(cpu)

const config = loadConfig(undefined, process.env)
const log = createLogger('bench-producer', config.log.level)
const { bus } = await openReceiverBackends(config, systemClock, log) // as a receiver, which signs what it writes
process.once('SIGTERM', () => process.exit(0))
process.stdout.write(`${JSON.stringify({ framingCpuSeconds: (user + system) / 1e6, sessions: sessionCount })}\nready\n`)
while (!existsSync(goFile)) await wait(10)
const most = Math.max(...sessions.map(({ batches }) => batches.length))
for (let at = 0; at < most; at += batchesPerCall) {
  const records = sessions.flatMap(({ key, batches }) =>
    batches.slice(at, at + batchesPerCall).map((value) => ({ topic: 'session-frames' as const, key, value })),
  )
  await bus.produce(records)
}
process.stdout.write('produced\n')
setInterval(() => {}, 60_000) // what it cost is read from the system while it is there

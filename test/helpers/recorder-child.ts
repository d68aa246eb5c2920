import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createEventRecorder } from '#ingest/recorder/event-recorder.ts'
import { createRecorder } from '#ingest/recorder/recorder.ts'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import { openIngestBackends } from './ingest-backends.ts'

/**
 * A recorder on its back ends, to be killed, that is also the sender of its batches: arguments are the folder, a file
 * with a batch in hex per line, and the line to send from. Prints the number of lines that the bus has acknowledged;
 * when all are recorded it closes and ends with 0.
 */
const [folder = '', batchFile = '', from = '0'] = process.argv.slice(2)
const ingest = { blockMaxBytes: 64 * 1024, blockMaxMs: 200, eventBlockMaxBytes: 4 * 1024 }
const backends = await openIngestBackends({ folder, partitions: 3, ingest })
const recorder = await createRecorder(backends)
const eventRecorder = await createEventRecorder(backends)

const recordsOf = (line: string) => {
  const value = Buffer.from(line, 'hex')
  const { sessionId, bastion, batchSeq } = decodeBatchHeader(value)
  const event = { id: `${sessionId}-${batchSeq}`, bastion, sessionId, kind: 'command', source: 'test' }
  return [
    { topic: 'session-frames', key: sessionId, value } as const,
    { topic: 'session-events', key: bastion, value: Buffer.from(JSON.stringify(event)) } as const,
  ]
}

let number = 0
process.stdout.write('0\n')
for await (const line of createInterface({ input: createReadStream(batchFile) })) {
  number++
  if (number <= Number(from)) continue
  await backends.bus.produce(recordsOf(line))
  process.stdout.write(`${number}\n`)
}
while ((await backends.bus.lag()).some(({ committed, end }) => committed < end))
  await new Promise((resolve) => setTimeout(resolve, 50))
await recorder.close()
await eventRecorder.close()
await backends.close()

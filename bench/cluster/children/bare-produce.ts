import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { Kafka, logLevel, Partitioners } from 'kafkajs'

/** The same bytes in plain records of 256 KiB, with kafkajs and nothing else. */
const [broker, topic, corpusFile, goFile] = process.argv.slice(2) as [string, string, string, string]
const partitionCount = 4
const recordBytes = 256 * 1024

const corpus = readFileSync(corpusFile)
const producer = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR }).producer({
  createPartitioner: Partitioners.DefaultPartitioner,
})
await producer.connect()
process.once('SIGTERM', () => process.exit(0))
process.stdout.write('ready\n')
while (!existsSync(goFile)) await wait(10)
const send = async (partition: number): Promise<void> => {
  for (let at = partition * recordBytes; at < corpus.length; at += partitionCount * recordBytes) {
    await producer.send({ topic, acks: -1, messages: [{ partition, value: corpus.subarray(at, at + recordBytes) }] })
  }
}
await Promise.all(Array.from({ length: partitionCount }, (_, partition) => send(partition)))
process.stdout.write('produced\n')
setInterval(() => {}, 60_000) // what it cost is read from the system while it is there

import { createHash } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Kafka, logLevel } from 'kafkajs'

/** The least that a recorder does: kafkajs → 1 MiB → zstd → SHA-256 → a store; offsets follow what is stored. */
const [broker, topic, endpoint, bucket, accessKeyId, secretAccessKey, expected] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
]
const objectBytes = 1024 * 1024
const credentials = { accessKeyId, secretAccessKey }
const store = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })

type Held = { parts: Buffer[]; bytes: number; objects: number; next: bigint; hash: ReturnType<typeof createHash> }
const held = new Map<number, Held>()
const heldOf = (partition: number): Held => {
  const one = held.get(partition) ?? { parts: [], bytes: 0, objects: 0, next: 0n, hash: createHash('sha256') }
  held.set(partition, one)
  return one
}

const put = async (partition: number): Promise<void> => {
  const one = heldOf(partition)
  const plain = Buffer.concat(one.parts)
  one.hash.update(plain)
  const body = zstdCompressSync(plain)
  const digest = createHash('sha256').update(body).digest('base64')
  const key = `bare/${topic}/${partition}/${one.objects}`
  await store.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ChecksumSHA256: digest }))
  Object.assign(one, { parts: [], bytes: 0, objects: one.objects + 1 })
  await consumer.commitOffsets([{ topic, partition, offset: `${one.next}` }])
}

let taken = 0
const consumer = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR }).consumer({
  groupId: topic,
  maxWaitTimeInMs: 100,
  maxBytesPerPartition: 4 * objectBytes,
  maxBytes: 16 * objectBytes,
})
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  autoCommit: false,
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch: { partition, messages } }) => {
    const one = heldOf(partition)
    for (const { value, offset } of messages) {
      one.parts.push(value!)
      one.bytes += value!.length
      one.next = BigInt(offset) + 1n
      taken++
      if (one.bytes >= objectBytes) await put(partition)
    }
    if (taken < Number(expected)) return
    for (const [number, { bytes }] of held) if (bytes > 0) await put(number)
  },
})
process.once('SIGTERM', () => process.exit(0))
process.stdout.write('ready\n')

import test from 'ava'
import { onServices } from '#test/helpers/cluster.ts'
import { ownKafkaPlace } from '#test/helpers/open-kafka-bus.ts'
import { openS3Store, s3Bucket } from '#test/helpers/open-s3-recording-store.ts'
import {
  entriesOf,
  latestSize,
  newSigner,
  recordOf,
  recordsTo,
  startWriter,
  untilSize,
  wrongInLog,
} from './log-place.ts'

onServices(test, (services) => {
  test('on Kafka and Object-Lock S3 one writer goes on where another stopped, and the log is the same', async (t) => {
    const recordings = await openS3Store(await s3Bucket(t, services))
    t.teardown(recordings.close)
    const bus = await ownKafkaPlace(t, services.kafka.brokers).open()
    t.teardown(bus.close)
    t.is(bus.partitions('log-entries'), 1)
    const place = { bus, recordings, logKey: newSigner() }
    const records = recordsTo(20)
    await bus.produce(records.slice(0, 12))
    const first = await startWriter(t, place)
    await untilSize(first, place, 12)
    await first.close()
    await bus.produce([recordOf(3), ...records.slice(12)])
    await untilSize(await startWriter(t, place), place, 20)
    t.is(await latestSize(place), 20)
    t.deepEqual(await wrongInLog(place, entriesOf(records)), [])
    for (const { key, retainUntil } of await recordings.list('log/v1/', { limit: 100 }))
      t.true((retainUntil?.getTime() ?? 0) > Date.now() + 9.9 * 365 * 86_400_000, key)
  })
})

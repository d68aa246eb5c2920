import test from 'ava'
import { createDeadLetters } from '#services/dead-letters.ts'
import { recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog, ingestBackends } from '#test/helpers/ingest-backends.ts'

test.after.always(closeSharedCatalog)

test('a dead letter keeps the raw record, its headers, where it came from and why', async (t) => {
  const { bus, log } = await ingestBackends(t)
  const value = Buffer.from([0, 255, 1])
  await bus.produce([{ topic: 'session-frames', key: 'k', value, headers: { bastion: 'b1' } }])
  const [record] = await recordsOf(bus, 'session-frames')
  await createDeadLetters({ bus, where: 'indexer', log }).write(record!, {
    code: 'BTZ_BATCH_INVALID',
    reason: 'too odd',
  })
  const [letter] = await recordsOf(bus, 'dead-letters')
  t.deepEqual(Buffer.from(letter!.value), value)
  t.is(letter?.key, 'session-frames')
  t.like(letter?.headers, {
    where: 'indexer',
    code: 'BTZ_BATCH_INVALID',
    reason: 'too odd',
    topic: 'session-frames',
    partition: '0',
    offset: '0',
    key: 'k',
    recordHeaders: '{"bastion":"b1"}',
  })
})

import { join } from 'node:path'
import test from 'ava'
import { createDeadLetterDesk } from '#delivery/dead-letters.ts'
import { createOperations } from '#delivery/operations.ts'
import type { NewRecord } from '#services/bus/bus.ts'
import { systemClock } from '#services/clock.ts'
import { createDeadLetters } from '#services/dead-letters.ts'
import { createOriginCheck } from '#services/origin/origin-check.ts'
import { SinkSettings } from '#services/schema/sink-settings.ts'
import { newSigner, sealedBy } from '#test/helpers/origins.ts'
import { until } from '#test/helpers/until.ts'
import { wholeLines } from '#test/helpers/whole-lines.ts'
import { commandEvent, log, newPlace, produceEvents, startDelivery } from './place.ts'

const eventRecord = (number: number): NewRecord => {
  const event = commandEvent(number)
  return { topic: 'session-events', key: event.bastion, value: Buffer.from(JSON.stringify(event)) }
}
const enrolled = newSigner('agent', 'b1')
const origins = createOriginCheck({
  agentKeys: {
    find: async (bastion, keyId) =>
      bastion === 'b1' && keyId === enrolled.keyId
        ? { purpose: 'agent', publicKey: '', registeredAt: '', revokedAt: null }
        : null,
  } as Parameters<typeof createOriginCheck>[0]['agentKeys'],
  roleKeys: { isKnown: async () => false },
  clock: systemClock,
})
const resendTo = async () => {}

test('what proves who wrote it is sent again as it was; what does not is never', async (t) => {
  const { bus, state } = await newPlace(t)
  const desk = createDeadLetterDesk({ bus, origins, state, resendTo })
  const put = createDeadLetters({ bus, where: 'indexer', log }).write
  const strange = newSigner('agent', 'b1')
  const [good] = sealedBy(enrolled, eventRecord(1))
  const [forged] = sealedBy(strange, eventRecord(1))
  const [other] = sealedBy(enrolled, eventRecord(2)) // speaks for b2
  const bare = { ...good!, headers: {} }
  await put(good!, { code: 'BTZ_ORIGIN_UNPROVEN', reason: 'enrolled too late' })
  await put(forged!, { code: 'BTZ_ORIGIN_UNPROVEN', reason: 'unknown key' })
  await put(other!, { code: 'BTZ_CATALOG_REFUSED', reason: 'odd' })
  await put(bare, { code: 'BTZ_REQUEST_INVALID', reason: 'odd' })
  await put({ ...bare, value: Buffer.from('not JSON') }, { code: 'BTZ_REQUEST_INVALID', reason: 'odd' })
  const { items, next } = await desk.list(100, null)
  t.is(next, null)
  const [first, ...others] = items
  t.deepEqual(await desk.resend(first!.id, 0), { to: 'session-events' })
  for (const { id } of others) await t.throwsAsync(desk.resend(id, 0), { code: 'BTZ_ORIGIN_UNPROVEN' })
  const sent = (
    await Promise.all([0, 1, 2].map((partition) => bus.read({ topic: 'session-events', partition }, 0, 10)))
  ).flat()
  t.is(sent.length, 1)
  t.deepEqual(sent[0]?.headers, good?.headers)
  t.deepEqual(Buffer.from(sent[0]!.value), Buffer.from(good!.value))
  t.is((await desk.list(100, null)).items[0]?.resentAt, '1970-01-01T00:00:00.000Z')
})

test('pages of dead letters leave none out; what is none of them is not found', async (t) => {
  const { bus, state } = await newPlace(t)
  const desk = createDeadLetterDesk({ bus, origins: null, state, resendTo })
  const put = createDeadLetters({ bus, where: 'indexer', log }).write
  const [record] = sealedBy(enrolled, eventRecord(1))
  for (let n = 0; n < 70; n++) {
    const topic = n % 2 ? 'session-events' : 'alerts'
    await put({ ...record!, topic, offset: n }, { code: 'BTZ_REQUEST_INVALID', reason: 'x' })
  }
  const seen: string[] = []
  for (let after: string | null = null; ; ) {
    const { items, next } = await desk.list(20, after)
    seen.push(...items.map(({ id }) => id))
    if (next === null) break
    after = next
  }
  t.is(new Set(seen).size, 70)
  await t.throwsAsync(desk.resend('0/999', 0), { code: 'BTZ_NOT_FOUND' })
  await t.throwsAsync(desk.resend('../x', 0), { code: 'BTZ_REQUEST_INVALID' })
})

test('what one destination refused goes to that destination alone, with the next number', async (t) => {
  const { bus, state, folder } = await newPlace(t)
  const path = join(folder, 'siem.ndjson')
  const sink = { name: 'siem', type: 'file', send: { events: 'all' }, path }
  await startDelivery(t, { bus, state }, [sink])
  const lines = () => wholeLines(path)
  await produceEvents(bus, [commandEvent(1), commandEvent(2)])
  await until(async () => (await lines()).length === 2, { limitMs: 30_000 })
  const [record] = await bus.read({ topic: 'session-events', partition: await partitionOf(bus) }, 0, 1)
  await createDeadLetters({ bus, where: 'sink-siem', log }).write(record!, { code: 'BTZ_SINK_REFUSED', reason: 'x' })
  const { resend } = createOperations({ state, sinks: [SinkSettings.parse(sink)] })
  const desk = createDeadLetterDesk({ bus, origins: null, state, resendTo: resend })
  const [letter] = (await desk.list(10, null)).items
  t.deepEqual(await desk.resend(letter!.id, 0), { to: 'sink-siem' })
  await until(async () => (await lines()).length === 3, { limitMs: 30_000 })
  t.is((JSON.parse((await lines())[2]!) as { event: { sequence: number } }).event.sequence, 3)
})

const partitionOf = async (bus: Parameters<typeof produceEvents>[0]): Promise<number> => {
  for (let partition = 0; partition < 3; partition++)
    if ((await bus.read({ topic: 'session-events', partition }, 0, 1)).length > 0) return partition
  throw new Error('no events')
}

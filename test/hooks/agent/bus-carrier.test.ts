import test, { type ExecutionContext } from 'ava'
import { createBusCarrier } from '#hooks/agent/uplink/bus-carrier.ts'
import { startUplink } from '#hooks/agent/uplink/uplink.ts'
import type { Bus, BusRecord, NewRecord } from '#services/bus/bus.ts'
import { createLateProducer } from '#services/bus/late-producer.ts'
import { BartizanError } from '#services/errors.ts'
import { createGroups } from '#services/origin/groups.ts'
import { readSeal } from '#services/origin/seal.ts'
import type { Rejected } from '#services/uplink/verdict.ts'
import { recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog, ingestBackends } from '#test/helpers/ingest-backends.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { configOf, endingOf, eventsOf, openCore, openingOf, output, silent, spooled } from './core.ts'

test.after.always(closeSharedCatalog)

/** An agent whose uplink writes to a bus by itself; `produce` stands between the two. */
const setUp = async (
  t: ExecutionContext,
  more: { produce?: (bus: Bus) => Bus['produce']; isKeyGood?: () => boolean } = {},
) => {
  const { bus } = await ingestBackends(t)
  const core = await openCore(t, configOf(await temporaryFolder(t), { batchMaxMs: 5 }))
  const rejected: Rejected[] = []
  const signer = { ...core.identity, kind: 'agent' as const, bastion: 'bastion-1' }
  const produce = more.produce?.(bus) ?? bus.produce
  const uplink = startUplink({
    spool: core.spool,
    carrier: createBusCarrier({ bus: { produce }, signer, isKeyGood: more.isKeyGood ?? (() => true) }),
    maxUploadBytes: 3_000,
    log: silent,
    onRejected: (items) => rejected.push(...items),
    onDamage: () => {},
  })
  t.teardown(() => uplink.close(0))
  const record = async (frames: number): Promise<string> => {
    const session = await core.recorder.open(openingOf())
    for (let index = 0; index < frames; index++) {
      session.frame(output(`frame ${index};`))
      if (index % 10 === 0) await until(() => session.pendingBytes === 0, { everyMs: 1 })
    }
    await session.end(endingOf())
    const isEnd = (event: Record<string, unknown>) =>
      event.kind === 'session_ended' && event.sessionId === session.sessionId
    await until(async () => (await eventsOf(core)).some(isEnd))
    return session.sessionId
  }
  const allAcknowledged = () =>
    until(() => core.spool.acknowledgedPosition === core.spool.durablePosition, {
      limitMs: 30_000,
      what: 'all acknowledged',
    })
  return { ...core, bus, rejected, uplink, record, allAcknowledged }
}
type Agent = Awaited<ReturnType<typeof setUp>>

const hexOf = (records: { value: Uint8Array }[]): string[] =>
  records.map(({ value }) => Buffer.from(value).toString('hex'))
const spooledHex = async (agent: Agent, type: 'batch' | 'event'): Promise<string[]> =>
  hexOf((await spooled(agent)).filter((record) => record.type === type).map(({ body }) => ({ value: body })))
const isSigned = (record: BusRecord): boolean => {
  const seal = readSeal(record)
  return seal !== null && createGroups()(record, seal, 'bastion-1') !== null
}

test('what is spooled arrives on the bus in its order, byte for byte and signed, and is acknowledged', async (t) => {
  const agent = await setUp(t)
  const sessionId = await agent.record(60)
  await agent.allAcknowledged()
  const [frames, events] = [await recordsOf(agent.bus, 'session-frames'), await recordsOf(agent.bus, 'session-events')]
  t.deepEqual(hexOf(frames), await spooledHex(agent, 'batch'))
  t.deepEqual(hexOf(events), await spooledHex(agent, 'event'))
  t.true([...frames, ...events].every(isSigned))
  t.true(frames.every(({ key }) => key === sessionId))
  t.true(events.length > 0 && events.every(({ key }) => key === 'bastion-1'))
  t.deepEqual(agent.rejected, [])
})

test('nothing is sent before the key is registered, and all of it afterwards', async (t) => {
  let isRegistered = false
  const agent = await setUp(t, { isKeyGood: () => isRegistered })
  await agent.record(10)
  await until(() => agent.uplink.lagMs > 300)
  t.is(agent.spool.acknowledgedPosition, 0)
  t.deepEqual(await recordsOf(agent.bus, 'session-events'), [])
  isRegistered = true
  await agent.allAcknowledged()
  t.deepEqual(hexOf(await recordsOf(agent.bus, 'session-frames')), await spooledHex(agent, 'batch'))
})

test('a bus that is away, or answers after it has written, loses nothing and reorders nothing', async (t) => {
  let calls = 0
  const produce = (bus: Bus): Bus['produce'] => {
    const late = createLateProducer(async () => {
      if (++calls < 4) throw new BartizanError('BTZ_UNAVAILABLE', 'no broker')
      return bus
    }, bus.maxRecordBytes)
    return async (records) => {
      const placed = await late.produce(records)
      if (++calls % 3 === 0) throw new BartizanError('BTZ_UNAVAILABLE', 'the answer was lost')
      return placed
    }
  }
  const agent = await setUp(t, { produce })
  await agent.record(60)
  await agent.allAcknowledged()
  const arrived = hexOf(await recordsOf(agent.bus, 'session-frames'))
  const firsts = arrived.filter((hex, at) => arrived.indexOf(hex) === at)
  t.deepEqual(firsts, await spooledHex(agent, 'batch'))
  t.true(arrived.length > firsts.length)
  t.deepEqual(agent.rejected, [])
})

test('a record that the bus can never take is told and passed over, the others around it are not', async (t) => {
  const produce =
    (bus: Bus): Bus['produce'] =>
    async (records: NewRecord[]) => {
      const large = records.find(({ value }) => value.byteLength > 1_000)
      if (large) throw new BartizanError('BTZ_BUS_RECORD_TOO_LARGE', `a record of ${large.value.byteLength} bytes`)
      return bus.produce(records)
    }
  const agent = await setUp(t, { produce })
  const large = {
    type: 'event' as const,
    sessionId: null,
    seq: 1,
    body: Buffer.from(JSON.stringify('x'.repeat(1_498))),
  }
  await agent.record(10)
  await agent.spool.append({ hintBytes: 1_600, encode: () => large })
  await agent.record(10)
  await agent.allAcknowledged()
  t.deepEqual(
    agent.rejected.map(({ record, reason }) => [record.body.byteLength, reason]),
    [[1_500, 'a record of 1500 bytes']],
  )
  const kept = (await spooledHex(agent, 'event')).filter((hex) => hex !== large.body.toString('hex'))
  t.deepEqual(hexOf(await recordsOf(agent.bus, 'session-events')), kept)
})

test('an agent that stops does not wait for a bus that never answers', async (t) => {
  const agent = await setUp(t, { produce: () => () => new Promise(() => {}) })
  await agent.record(5)
  await until(() => agent.uplink.lagMs > 0)
  const startMs = performance.now()
  await agent.uplink.close(100)
  t.true(performance.now() - startMs < 5_000)
  t.is(agent.spool.acknowledgedPosition, 0)
})

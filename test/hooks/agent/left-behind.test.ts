import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { batchHash, decodeBatchHeader, decodeFrames, Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { eventsOf, recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'
import { connectSudoClient } from '#test/helpers/sudo-client.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { bytesOf } from './core.ts'
import { holdPort } from './held-port.ts'

test.after.always(closeSharedCatalog)

type Receiver = Awaited<ReturnType<typeof serveReceiver>>

/** What the receiver has of a session; its chain is checked. */
const received = async ({ bus }: Receiver, sessionId: string) => {
  const bodies = (await recordsOf(bus, 'session-frames')).map(({ value }) => value)
  const batches = bodies
    .map((body) => ({ body, ...decodeBatchHeader(body) }))
    .filter((each) => each.sessionId === sessionId)
  const isChain = batches.every(({ batchSeq, prevHash }, at) => {
    const follows = at === 0 || Buffer.from(batchHash(batches[at - 1]!.body)).equals(prevHash)
    return batchSeq === at && follows
  })
  const shown = bytesOf(
    batches.flatMap((batch) => decodeFrames(batch)),
    Stream.TTYOUT,
  ).toString()
  return { shown, isChain, ends: batches.flatMap(({ end }) => (end ? [end.reason] : [])) }
}
const whole = async (receiver: Receiver, sessionId: string) => {
  await until(async () => (await received(receiver, sessionId)).ends.length > 0, {
    limitMs: 60_000,
    what: 'the end of a session',
  })
  return received(receiver, sessionId)
}
const statusOf = async (receiver: Receiver, sessionId: string) =>
  (await eventsOf(receiver.bus)).filter((event) => event.kind === 'session_ended' && event.sessionId === sessionId)

const isListening = (port: number): Promise<boolean> =>
  connectSudoClient(port).then(
    (client) => {
      client.vanish()
      return true
    },
    () => false,
  )
const openSession = async (port: number) => {
  const client = await connectSudoClient(port)
  client.accept()
  return { client, id: await client.logId() }
}

test.serial('the next agent takes the port while the one before keeps its sessions to their end', async (t) => {
  const receiver = await serveReceiver(t)
  const data = await temporaryFolder(t)
  const held = await holdPort(t, data, receiver.secrets.bastion)
  const before = await held.startReady({ BARTIZAN_UPLINK_URL: receiver.url })
  const old = await openSession(held.port)
  old.client.io('ttyoutBuf', 'before, ')
  await held.drains(before)
  const after = await held.startReady({ BARTIZAN_UPLINK_URL: receiver.url })
  const young = await openSession(held.port)
  young.client.io('ttyoutBuf', 'young')
  old.client.io('ttyoutBuf', 'and after')
  old.client.exit()
  await old.client.committed()
  t.is(await before.exit, 0)
  t.deepEqual(await whole(receiver, old.id), { shown: 'before, and after', isChain: true, ends: [EndReason.EXIT] })
  t.is(after.child.exitCode, null)
  young.client.exit()
  await young.client.committed()
  t.deepEqual(await whole(receiver, young.id), { shown: 'young', isChain: true, ends: [EndReason.EXIT] })
})

test.serial(
  'kill -9 of an agent that drains: the next one finds its spool and sends all that was acknowledged, the session is truncated, once',
  async (t) => {
    const receiver = await serveReceiver(t)
    const data = await temporaryFolder(t)
    const held = await holdPort(t, data, receiver.secrets.bastion)
    const before = await held.startReady({ BARTIZAN_UPLINK_URL: 'http://127.0.0.1:9' }) // discard: nobody there
    const [old, ended] = [await openSession(held.port), await openSession(held.port)]
    ended.client.io('ttyoutBuf', 'ended before')
    ended.client.exit()
    await ended.client.committed()
    await held.drains(before)
    const after = await held.startReady({ BARTIZAN_UPLINK_URL: receiver.url })
    const young = await openSession(held.port)
    const sent = Array.from({ length: 20 }, (_, at) => `line ${at}\n`).join('')
    old.client.io('ttyoutBuf', sent)
    await old.client.committed()
    before.child.kill('SIGKILL')
    await before.exit
    t.deepEqual(await whole(receiver, old.id), { shown: sent, isChain: true, ends: [EndReason.TRUNCATED] })
    t.deepEqual(await whole(receiver, ended.id), { shown: 'ended before', isChain: true, ends: [EndReason.EXIT] })
    await until(() => !existsSync(join(data, 'agent', 'spool')), { limitMs: 30_000, what: 'the spool is gone' })
    for (const { id } of [old, ended]) t.is((await statusOf(receiver, id)).length, 1)
    t.is((await received(receiver, young.id)).ends.length, 0)
    young.client.exit()
    await young.client.committed()
    t.deepEqual((await whole(receiver, young.id)).ends, [EndReason.EXIT])
    t.is(after.child.exitCode, null)
  },
)

test.serial('the machine stops while one agent drains beside another: the next start finds both spools', async (t) => {
  const receiver = await serveReceiver(t)
  const data = await temporaryFolder(t)
  const held = await holdPort(t, data, receiver.secrets.bastion)
  const nowhere = { BARTIZAN_UPLINK_URL: 'http://127.0.0.1:9' }
  const sessions = []
  const agents = []
  for (const text of ['first', 'second']) {
    if (agents.length > 0) await held.drains(agents.at(-1)!)
    agents.push(await held.startReady(nowhere))
    const session = await openSession(held.port)
    session.client.io('ttyoutBuf', text)
    await session.client.committed()
    sessions.push({ id: session.id, text })
  }
  for (const { child } of agents) child.kill('SIGKILL')
  await Promise.all(agents.map(({ exit }) => exit))
  await held.startReady({ BARTIZAN_UPLINK_URL: receiver.url, BARTIZAN_SUDO_RESUME_GRACE_MS: '100' })
  for (const { id, text } of sessions)
    t.deepEqual(await whole(receiver, id), { shown: text, isChain: true, ends: [EndReason.TRUNCATED] })
})

test.serial(
  'an agent that stands by needs a held port, takes sessions on it, and hands over what it recorded',
  async (t) => {
    const receiver = await serveReceiver(t)
    const data = await temporaryFolder(t)
    const held = await holdPort(t, data, receiver.secrets.bastion)
    const without = held.start({ BARTIZAN_UPLINK_URL: receiver.url, LISTEN_FDS: '0' }, ['--standby'])
    t.not(await without.exit, 0)
    const standby = held.start({ BARTIZAN_UPLINK_URL: receiver.url }, ['--standby'])
    await until(() => isListening(held.port), { limitMs: 30_000, what: 'the standby' })
    const session = await openSession(held.port)
    session.client.io('ttyoutBuf', 'by the standby')
    session.client.exit()
    await session.client.committed()
    t.deepEqual(await whole(receiver, session.id), { shown: 'by the standby', isChain: true, ends: [EndReason.EXIT] })
    t.false(existsSync(join(data, 'agent', 'agent.json')))
    standby.child.kill('SIGTERM')
    t.is(await standby.exit, 0)
  },
)

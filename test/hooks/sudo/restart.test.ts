import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { connectSudoClient } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'
import { bytesOf } from './recorded.ts'
import { startWithAgent } from './start.ts'

const relay = { clientId: 'Sudo Logsrvd 1.9.13p3' } // a client that comes back

const cutSession = async (port: number) => {
  const client = await connectSudoClient(port, relay)
  await client.greeted()
  client.accept()
  const logId = await client.logId()
  client.io('ttyoutBuf', 'before', 999_999_999n)
  await client.committed()
  client.vanish()
  return { logId, at: client.acknowledgedNs }
}

test('after a restart the sum goes on from the resume point, and commit points with it', async (t) => {
  const { port, sessions } = await startWithAgent(t)
  const { logId, at } = await cutSession(port)
  const again = await connectSudoClient(port, relay)
  await again.greeted()
  again.restart(logId, at)
  again.io('ttyoutBuf', 'after', 2n)
  again.exit({ exitValue: 5 })
  await again.closed()
  t.is(again.heard.commitsNs.at(-1), 1_000_000_001n)
  t.true(again.heard.commitsNs.every((ns) => ns > at))
  const [session, ...others] = await sessions()
  t.is(others.length, 0)
  t.like(session!.end, { reason: EndReason.EXIT, exitCode: 5 })
  t.is(bytesOf(session!, Stream.TTYOUT).toString(), 'beforeafter')
})

test('a session is recorded by one connection: a second restart of its log id is refused', async (t) => {
  const { port, sessions } = await startWithAgent(t)
  const { logId, at } = await cutSession(port)
  const first = await connectSudoClient(port, relay)
  const second = await connectSudoClient(port, relay)
  await Promise.all([first.greeted(), second.greeted()])
  first.restart(logId, at)
  first.io('ttyoutBuf', 'once')
  await first.committed()
  second.restart(logId, at)
  second.io('ttyoutBuf', 'twice')
  await second.closed()
  t.regex(second.heard.errors[0] ?? '', /another connection/)
  first.exit()
  await first.closed()
  t.is(bytesOf((await sessions())[0]!, Stream.TTYOUT).toString(), 'beforeonce')
})

test('a log id that is unknown, or of a session that ended, is refused with a text', async (t) => {
  const { port } = await startWithAgent(t)
  const ended = await connectSudoClient(port)
  await ended.greeted()
  ended.accept()
  const logId = await ended.logId()
  ended.exit()
  await ended.closed()
  for (const name of [logId, 'never-was', '', 'x'.repeat(300), '../../etc/passwd']) {
    const client = await connectSudoClient(port, relay)
    await client.greeted()
    client.restart(name, 0n)
    await client.closed()
    t.is(client.heard.errors.length, 1, name)
  }
})

test('a client that does not come back leaves a truncated session, and only then', async (t) => {
  const { port, sessions } = await startWithAgent(t, { resumeGraceMs: 300 })
  const leftAt = Date.now()
  const { logId, at } = await cutSession(port)
  await until(async () => (await sessions())[0]?.end !== null)
  t.true(Date.now() - leftAt >= 300)
  t.like((await sessions())[0]!.end, { reason: EndReason.TRUNCATED, runTimeNs: at })
  const late = await connectSudoClient(port, relay)
  await late.greeted()
  late.restart(logId, at)
  await late.closed()
  t.is(late.heard.errors.length, 1)
})

test('a session that waits for its client is ended by an order, and by the stop of the server', async (t) => {
  const { port, sessions, hook, core } = await startWithAgent(t)
  const { logId } = await cutSession(port)
  await cutSession(port)
  await until(() => hook.openConnections === 0)
  t.true(core.recorder.terminate(logId, 'ended by the security team'))
  await until(async () => (await sessions())[0]!.end !== null)
  t.like((await sessions())[0]!.end, { reason: EndReason.ABORTED, detail: 'ended by the security team' })
  t.is((await sessions())[1]!.end, null)
  await hook.close()
  t.like((await sessions())[1]!.end, { reason: EndReason.TRUNCATED })
})

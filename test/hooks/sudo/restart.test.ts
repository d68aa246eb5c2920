import test from 'ava'
import { connectSudoClient } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'
import { startWithMemory } from './start.ts'

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

test('after a restart the sum goes on from the resume point, and commit points with it (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  const { logId, at } = await cutSession(port)
  const again = await connectSudoClient(port, relay)
  await again.greeted()
  again.restart(logId, at)
  again.io('ttyoutBuf', 'after', 2n)
  again.exit({ exitValue: 5 })
  await again.closed()
  t.is(again.heard.commitsNs.at(-1), 1_000_000_001n)
  t.true(again.heard.commitsNs.every((ns) => ns > at))
  t.like(sessions[0]!.ending, { reason: 'exit', exitCode: 5 })
  t.is(sessions.length, 1)
})

test('a session is recorded by one connection: a second restart of its log id is refused (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  const { logId, at } = await cutSession(port)
  const first = await connectSudoClient(port, relay)
  const second = await connectSudoClient(port, relay)
  await Promise.all([first.greeted(), second.greeted()])
  first.restart(logId, at)
  await until(() => sessions[0]!.resumedAtNs.length === 1)
  second.restart(logId, at)
  second.io('ttyoutBuf', 'twice')
  await second.closed()
  t.regex(second.heard.errors[0] ?? '', /another connection/)
  first.io('ttyoutBuf', 'once')
  first.exit()
  await first.closed()
  t.is(Buffer.concat(sessions[0]!.frames.map(({ data }) => data)).toString(), 'beforeonce')
})

test('a log id that is unknown, or of a session that ended, is refused with a text (memory recorder)', async (t) => {
  const { port } = await startWithMemory(t)
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

test('a client that does not come back leaves a truncated session, and only then (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t, { resumeGraceMs: 300 })
  const leftAt = Date.now()
  const { logId, at } = await cutSession(port)
  await until(() => sessions[0]!.ending !== null)
  t.true(Date.now() - leftAt >= 300)
  t.like(sessions[0]!.ending, { reason: 'truncated', runTimeNs: at })
  const late = await connectSudoClient(port, relay)
  await late.greeted()
  late.restart(logId, at)
  await late.closed()
  t.is(late.heard.errors.length, 1)
})

test('a session that waits for its client is ended by an order, and by the stop of the server (memory recorder)', async (t) => {
  const { port, sessions, hook } = await startWithMemory(t)
  await cutSession(port)
  await cutSession(port)
  await until(() => hook.openConnections === 0)
  sessions[0]!.abort('the spool is full')
  await until(() => sessions[0]!.ending !== null)
  t.like(sessions[0]!.ending, { reason: 'aborted', detail: 'the spool is full' })
  t.is(sessions[1]!.ending, null)
  await hook.close()
  t.like(sessions[1]!.ending, { reason: 'truncated' })
})

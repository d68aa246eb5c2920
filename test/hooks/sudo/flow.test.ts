import test from 'ava'
import { BartizanError } from '#services/errors.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'
import { createMemoryRecorder } from './memory-recorder.ts'
import { startWithMemory } from './start.ts'

const record = async (port: number) => {
  const client = await connectSudoClient(port)
  await client.greeted()
  client.accept()
  await client.logId()
  return client
}
/** An event as it will stand on the bus, with what the agent adds. */
const onTheBus = (event: Record<string, unknown>) =>
  SessionEvent.safeParse({ id: 'of-the-agent', bastion: 'bastion.example', ...event })

test('the server greets first and takes sub-commands (memory recorder)', async (t) => {
  const { port } = await startWithMemory(t)
  const client = await connectSudoClient(port, { clientId: null })
  await client.greeted()
  t.regex(client.heard.serverId ?? '', /^Bartizan /)
  t.true(client.heard.subcommands)
  client.vanish()
})

test('the final commit point is the client’s sum to the nanosecond, and comes after the durable end (memory recorder)', async (t) => {
  let open = (): void => {}
  const endGate = new Promise<void>((resolve) => {
    open = resolve
  })
  const { port, sessions } = await startWithMemory(t, {}, createMemoryRecorder({ endGate }))
  const client = await record(port)
  client.io('ttyoutBuf', 'a', 999_999_999n)
  client.io('ttyinBuf', 'b', 1n)
  client.winsize(50, 132, 3_000_000_007n)
  client.suspend('TSTP', 11n)
  client.suspend('CONT', 86_400_000_000_013n)
  client.io('ttyoutBuf', '', 0n)
  client.exit({ exitValue: 3 })
  await until(() => sessions[0]!.frames.length === 6)
  t.false(client.heard.closed)
  open()
  await client.committed()
  t.is(client.heard.commitsNs.at(-1), 86_404_000_000_031n)
  await client.closed()
  t.like(sessions[0]!.ending, { reason: 'exit', exitCode: 3, runTimeNs: 86_404_000_000_031n })
})

test('a session without a byte still gets its final commit point (memory recorder)', async (t) => {
  const { port } = await startWithMemory(t)
  const client = await record(port)
  client.exit()
  await client.closed()
  t.deepEqual(client.heard.commitsNs, [0n])
})

test('commit points during the run never pass what the client sent, and never go back (memory recorder)', async (t) => {
  const { port } = await startWithMemory(t)
  const client = await record(port)
  for (let sent = 0; sent < 40; sent += 1) {
    client.io('ttyoutBuf', 'x'.repeat(100), 12_345_678n)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await until(() => client.acknowledgedNs === client.elapsedNs)
  const { commitsNs } = client.heard
  t.true(commitsNs.length < 25, `${commitsNs.length} commit points in 0.4 s`)
  t.deepEqual(
    commitsNs,
    [...commitsNs].sort((a, b) => Number(a - b)),
  )
  t.true(commitsNs.every((ns) => ns <= client.elapsedNs))
  client.vanish()
})

test('a signal, a core dump and an error of exec are told apart from an exit code (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  for (const how of [{ exitValue: 139, signal: 'SEGV', dumpedCore: true }, { error: 'Exec format error' }]) {
    const client = await record(port)
    client.exit(how)
    await client.closed()
  }
  t.like(sessions[0]!.ending, { reason: 'exit', exitCode: 139, signal: 'SEGV', dumpedCore: true })
  t.like(sessions[1]!.ending, { reason: 'exit', exitCode: null, signal: null })
  t.regex(sessions[1]!.ending!.detail, /Exec format error/)
})

test('all streams keep their names (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  const client = await record(port)
  for (const kind of ['ttyinBuf', 'ttyoutBuf', 'stdinBuf', 'stdoutBuf', 'stderrBuf'] as const) client.io(kind, kind)
  client.suspend('TSTP')
  client.exit()
  await client.closed()
  const { TTYIN, TTYOUT, STDIN, STDOUT, STDERR, SUSPEND } = Stream
  t.deepEqual(
    sessions[0]!.frames.map(({ stream }) => stream),
    [TTYIN, TTYOUT, STDIN, STDOUT, STDERR, SUSPEND],
  )
  t.is(Buffer.from(sessions[0]!.frames[5]!.data).toString(), 'TSTP')
})

test('a sudo that goes away without an exit leaves a session whose recorder was killed (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  for (const leave of ['vanish', 'finishTalking'] as const) {
    const client = await record(port)
    client.io('ttyoutBuf', 'half')
    await until(() => sessions.at(-1)!.frames.length === 1)
    client[leave]()
    await until(() => sessions.at(-1)!.ending !== null)
    t.like(sessions.at(-1)!.ending, { reason: 'recorder_killed', exitCode: null, runTimeNs: 1_000_003n })
  }
})

test('what a vanished client sent before is recorded, the message it was in is named (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  const client = await record(port)
  client.io('ttyoutBuf', 'whole')
  client.sayRaw(Buffer.from([0, 0, 1, 0, 0x3a]))
  await client.flushed()
  client.finishTalking()
  await until(() => sessions[0]!.ending !== null)
  t.is(sessions[0]!.frames.length, 1)
  t.is(sessions[0]!.ending!.detail, 'sudo went away without an exit, inside a message')
})

test('a refused command is an event, and the server closes (memory recorder)', async (t) => {
  const { port, sessions, events } = await startWithMemory(t)
  for (const runuser of ['root', 'alice']) {
    const client = await connectSudoClient(port)
    await client.greeted()
    client.reject('a password is required', loginInfos({ runuser, command: '/usr/bin/id', runargv: ['id', '-u'] }))
    await client.closed()
    t.deepEqual(client.heard.errors, [])
  }
  t.is(sessions.length, 0)
  const common = {
    outcome: 'failure',
    user: 'alice',
    sourceIp: '192.0.2.7',
    reason: 'a password is required',
    argv: ['id', '-u'],
  }
  t.like(events[0], { kind: 'privilege_change', method: 'sudo', fromUser: 'alice', toUser: 'root', ...common })
  t.like(events[1], { kind: 'command', line: 'id -u', via: 'exec', ...common })
  for (const event of events) t.true(onTheBus(event).success)
})

test('an alert before a session is an event, one inside it a marker too (memory recorder)', async (t) => {
  const { port, sessions, events } = await startWithMemory(t)
  const early = await connectSudoClient(port)
  await early.greeted()
  early.alert('problem with defaults entries', loginInfos())
  await early.closed()
  const client = await record(port)
  client.alert('unable to stat the audit socket')
  client.exit()
  await client.closed()
  t.deepEqual(
    events.map(({ kind, check, user, detail }) => ({ kind, check, user, detail })),
    ['problem with defaults entries', 'unable to stat the audit socket'].map((reason) => ({
      kind: 'posture',
      check: 'sudo-policy',
      user: 'alice',
      detail: { reason },
    })),
  )
  t.is(events[0]!.sessionId, undefined)
  t.is(events[1]!.sessionId, `session-of-${sessions[0]!.logId}`)
  t.deepEqual(sessions[0]!.markers[0]!.marker, { type: 'alert', reason: 'unable to stat the audit socket' })
  for (const event of events) t.true(onTheBus(event).success)
})

test('a sub-command that policy refuses does not end the session (memory recorder)', async (t) => {
  const { port, sessions, events } = await startWithMemory(t)
  const client = await record(port)
  client.reject('command not allowed', loginInfos({ command: '/usr/bin/vi', runargv: ['vi', '/etc/shadow'] }))
  client.io('ttyoutBuf', 'still here')
  client.exit()
  await client.closed()
  t.like(sessions[0]!.ending, { reason: 'exit' })
  t.is(sessions[0]!.frames.length, 1)
  t.deepEqual(sessions[0]!.markers[0]!.marker, { type: 'alert', reason: 'refused by policy: command not allowed' })
  t.like(events[0], { kind: 'command', outcome: 'failure', argv: ['vi', '/etc/shadow'] })
})

test('a session that sudo reports without recording it is a pair of events with recorded false (memory recorder)', async (t) => {
  const { port, sessions, events } = await startWithMemory(t)
  const client = await connectSudoClient(port)
  await client.greeted()
  client.accept(loginInfos({ runargv: ['-bash'] }), { expectIobufs: false })
  client.accept(loginInfos({ command: '/usr/bin/id', runargv: ['id', "it's"] }), { expectIobufs: false })
  client.exit({ exitValue: 4 })
  await client.closed()
  t.is(sessions.length, 0)
  t.deepEqual(
    events.map(({ kind }) => kind),
    ['session_started', 'command', 'command', 'session_ended'],
  )
  t.is(new Set(events.map(({ sessionId }) => sessionId)).size, 1)
  t.like(events[0], { recorded: false, tty: true })
  t.like(events[3], { recorded: false, exitCode: 4 })
  for (const event of events) t.true(onTheBus(event).success)
})

test('a session that is not recorded ends with its connection: sudo sends no exit then (memory recorder)', async (t) => {
  const { port, events } = await startWithMemory(t)
  const client = await connectSudoClient(port)
  await client.greeted()
  client.accept(loginInfos(), { expectIobufs: false })
  client.finishTalking()
  await client.closed()
  t.deepEqual(client.heard.errors, [])
  t.deepEqual(
    events.map(({ kind }) => kind),
    ['session_started', 'command', 'session_ended'],
  )
  t.like(events[2], { recorded: false, exitCode: null, exitSignal: null })
})

test('a login that cannot be recorded is refused with a text for its user (memory recorder)', async (t) => {
  const { port, refuse, sessions } = await startWithMemory(t)
  refuse(new BartizanError('BTZ_SPOOL_FULL', 'the disk for recordings is full; ask the operator of this host'))
  const client = await connectSudoClient(port)
  await client.greeted()
  client.accept()
  await client.closed()
  t.deepEqual(client.heard.errors, ['Bartizan: the disk for recordings is full; ask the operator of this host'])
  t.is(sessions.length, 0)
})

test('an abort reaches the client, and what it still sends is recorded (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  const client = await record(port)
  sessions[0]!.abort('your session was ended by the security team')
  await until(() => client.heard.aborts.length > 0)
  t.deepEqual(client.heard.aborts, ['your session was ended by the security team'])
  client.io('ttyoutBuf', 'last words')
  await until(() => sessions[0]!.frames.length === 1)
  client.vanish()
  await until(() => sessions[0]!.ending !== null)
  t.like(sessions[0]!.ending, { reason: 'aborted', detail: 'your session was ended by the security team' })
})

test('a client that ignores an abort is cut off after two seconds (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  const client = await record(port)
  sessions[0]!.abort('the host is going down')
  await client.closed()
  t.like(sessions[0]!.ending, { reason: 'aborted', detail: 'the host is going down' })
})

test('a source is not read while 4 MiB of it wait, and nothing of it is lost (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  const client = await record(port)
  const session = sessions[0]!
  session.pendingBytes = 4 * 1024 * 1024 + 1
  for (let sent = 0; sent < 2000; sent += 1) client.io('ttyoutBuf', Buffer.alloc(10_000, sent))
  await until(() => session.frames.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.true(session.frames.length < 10, `${session.frames.length} frames were read`)
  t.true(client.socket.writableLength > 0)
  session.pendingBytes = 0
  session.drained()
  client.exit()
  await client.closed()
  t.is(session.frames.length, 2000)
  t.true(session.frames.every(({ data }, index) => data.length === 10_000 && data[0] === index % 256))
})

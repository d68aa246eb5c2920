import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type Core, startCore } from '#hooks/agent/core.ts'
import type { Recorder, SessionOpening, TtyMode } from '#hooks/hook.ts'
import { startSudoHook } from '#hooks/sudo/sudo-hook.ts'
import { loadIdentity } from '#services/access/identity.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { hostileBytes } from '#test/helpers/hostile-bytes.ts'
import { missing, realTest } from '#test/helpers/real.ts'
import { createSudoAccount, type SudoAccount, type SudoRun } from '#test/helpers/sudo-account.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { configOf, eventsOf, silent, spooled } from '#test/hooks/agent/core.ts'
import { bytesOf, type RecordedSession, recordedSessions } from './recorded.ts'

const needs = ['root', 'sudo', 'visudo', 'useradd', 'script', 'perl']
let account: SudoAccount
let core: Core
let closers: (() => unknown)[] = []
/** What the hook told the agent about each session, in order. */
const opened: { opening: SessionOpening; sessionId: string }[] = []

if (missing(...needs) === null) {
  test.before(async () => {
    const data = await mkdtemp(join(tmpdir(), 'bartizan-'))
    closers.push(() => rm(data, { recursive: true, force: true }))
    await mkdir(join(data, 'agent'))
    const config = configOf(data)
    core = await startCore(config, silent, await loadIdentity(join(data, 'agent'), silent))
    closers.push(() => core.spool.close(1000))
    const watching: Recorder = {
      ...core.recorder,
      open: async (opening) => {
        const session = await core.recorder.open(opening)
        opened.push({ opening, sessionId: session.sessionId })
        return session
      },
    }
    const hook = await startSudoHook({ config, recorder: watching, log: silent })
    closers.push(() => hook.close())
    account = createSudoAccount(hook.port, 'log_input, log_output, log_subcmds')
    closers.push(account.remove)
  })
  test.after.always(async () => {
    for (const close of closers.splice(0).reverse()) await close()
    closers = []
  })
}

const recordingOf = async (sessionId: string): Promise<RecordedSession> =>
  (await recordedSessions(core)).find((session) => session.sessionId === sessionId)!
const ended = async (sessionId: string): Promise<RecordedSession> => {
  await until(async () => (await recordingOf(sessionId))?.end != null, { what: 'the end of the session' })
  return recordingOf(sessionId)
}
/** The session that `act` opens. */
const opens = async (act: () => SudoRun) => {
  const before = opened.length
  const run = act()
  await until(() => opened.length > before, { what: 'a session' })
  return { run, ...opened[before]! }
}
const sudosOn = (terminal: string): number[] =>
  execFileSync('ps', ['-o', 'pid=,comm=', '-t', terminal.replace('/dev/', '')])
    .toString()
    .split('\n')
    .flatMap((line) => (/^ *([0-9]+) sudo$/.test(line) ? [Number.parseInt(line, 10)] : []))
const self = (...command: string[]) => ['-n', '-u', account.name, ...command]

realTest(test, needs, 'a real command without a terminal: its bytes, its origin, its exit code', async (t) => {
  const env = { SSH_CONNECTION: '2001:db8::7 50122 2001:db8::1 22', SSH_ORIGINAL_COMMAND: 'printf' }
  const { run, opening, sessionId } = await opens(() =>
    account.sudo(self('sh', '-c', 'printf "out\\377\\n"; sleep 0.2; exit 7'), { env }),
  )
  run.child.stdin!.end()
  t.is(await run.exited, 7)
  const session = await recordingOf(sessionId)
  t.deepEqual(run.output(), Buffer.from([0x6f, 0x75, 0x74, 0xff, 0x0a]))
  t.deepEqual(bytesOf(session, Stream.STDOUT), run.output())
  t.like(session.end, { reason: EndReason.EXIT, exitCode: 7 })
  t.like(opening, { user: account.name, runAs: account.name, tty: null, sourceIp: '2001:db8::7', sourcePort: 50_122 })
  t.is(opening.originalCommand, 'printf')
  t.true(session.markers.some(({ marker }) => marker.type === 'exec' && marker.command.endsWith('/sleep')))
})

realTest(
  test,
  needs,
  'every byte there is comes back, of input, output and errors each by itself, and of a terminal',
  async (t) => {
    const folder = await temporaryFolder(t)
    await chmod(folder, 0o755)
    const [file, hostile] = [join(folder, 'hostile'), hostileBytes()]
    await writeFile(file, hostile, { mode: 0o644 })
    const input = Buffer.from(hostile).reverse()

    const piped = await opens(() => account.sudo(self('sh', '-c', `cat; cat ${file} >&2`)))
    piped.run.child.stdin!.end(input)
    t.is(await piped.run.exited, 0)
    const apart = await recordingOf(piped.sessionId)
    t.true(bytesOf(apart, Stream.STDIN).equals(input))
    t.true(bytesOf(apart, Stream.STDOUT).equals(input))
    t.true(bytesOf(apart, Stream.STDERR).equals(hostile))
    t.is(bytesOf(apart, Stream.TTYOUT).length, 0)

    const shown = await opens(() =>
      account.sudo(self('sh', '-c', `stty raw -echo; cat ${file}; stty sane`), { terminal: true }),
    )
    t.is(await shown.run.exited, 0)
    t.true(shown.run.output().includes(hostile))
    t.true(bytesOf(await recordingOf(shown.sessionId), Stream.TTYOUT).equals(shown.run.output()))
  },
)

realTest(test, needs, 'sudo is told the very sum it counts: it leaves at once, and nobody sees an error', async (t) => {
  const startedMs = performance.now()
  const { run, sessionId } = await opens(() =>
    account.sudo(self('sh', '-c', 'echo one; sleep 0.1; echo two'), { terminal: true }),
  )
  t.is(await run.exited, 0, run.text())
  t.true(performance.now() - startedMs < 5_000, 'log_server_timeout is 5 s')
  t.notRegex(run.text(), /sudo:/)
  t.is(bytesOf(await recordingOf(sessionId), Stream.TTYOUT).toString(), run.text())
})

realTest(
  test,
  needs,
  'the mode of the terminal is that of the command, and what is typed unseen is not kept',
  async (t) => {
    const { run, opening, sessionId } = await opens(() =>
      account.sudo(self('bash', '--norc', '-i'), { terminal: true }),
    )
    const becomes = (mode: TtyMode) =>
      until(async () => (await opening.ttyMode!()) === mode, { what: `mode ${mode}`, everyMs: 250 })
    await until(() => run.text().includes('$ '), { what: 'prompt' })
    await t.notThrowsAsync(becomes('raw'), 'readline')
    run.type('cat\r')
    await t.notThrowsAsync(becomes('echo'), 'cat')
    run.type('\u0004')
    await t.notThrowsAsync(becomes('raw'), 'readline again')
    // Not at once: the echo would be off before the mode of the text and of Enter is read, and the line be masked as well.
    run.type("sleep 1; read -s -p 'Secret: ' x")
    await until(() => run.text().includes("read -s -p 'Secret: ' x"), { what: 'echo' })
    run.type('\r')
    await until(() => run.text().includes('\rSecret: '), { what: 'prompt' })
    await t.notThrowsAsync(becomes('no_echo'), 'read -s')
    run.type('xyzzy-plugh\r')
    await t.notThrowsAsync(becomes('raw'), 'after read -s')
    run.type('exit 3\r')
    t.is(await run.exited, 3)
    t.is(await opening.ttyMode!(), 'unknown')
    const session = await ended(sessionId)
    t.regex(bytesOf(session, Stream.TTYIN).toString(), /read -s -p 'Secret: ' x/)
    t.deepEqual(
      session.frames.flatMap(({ masked }) => (masked ? [masked.length] : [])),
      ['xyzzy-plugh'.length],
    )
    for (const { body } of await spooled(core)) t.false(Buffer.from(body).includes('xyzzy'))
  },
)

realTest(test, needs, 'a resize of a real sudo, a stop and its continuation are recorded', async (t) => {
  const { run, opening, sessionId } = await opens(() =>
    account.sudo(self('sh', '-c', 'echo begun; read line; kill -TSTP $$; echo awake; sleep 5'), { terminal: true }),
  )
  const framesOf = async (wanted: Stream) =>
    (await recordingOf(sessionId)).frames.filter(({ stream }) => stream === wanted).map(({ data }) => Buffer.from(data))
  await until(() => run.text().includes('begun'))
  const terminal = opening.tty! // the one that `script` made for this user
  execFileSync('stty', ['-F', terminal, 'rows', '41', 'cols', '99'])
  const size = Buffer.from([0, 41, 0, 99])
  // stty sets rows and columns one after the other.
  const resized = async () => (await framesOf(Stream.RESIZE)).at(-1)?.equals(size) ?? false
  await t.notThrowsAsync(until(resized, { what: 'the resize' }))
  run.type('\r')
  await until(async () => (await framesOf(Stream.SUSPEND)).length > 0, { what: 'the stop' })
  for (const pid of sudosOn(terminal)) process.kill(pid, 'SIGCONT') // as `fg` does
  t.is(await run.exited, 0, run.text())
  const suspends = (await framesOf(Stream.SUSPEND)).map((data) => data.toString())
  t.deepEqual(suspends, ['TSTP', 'CONT'])
  t.regex(run.text(), /awake/)
})

realTest(test, needs, 'an order kills the command of a real sudo and tells its user why', async (t) => {
  const { run, sessionId } = await opens(() =>
    account.sudo(self('sh', '-c', 'echo begun; sleep 60; echo DONE'), { terminal: true }),
  )
  await until(() => run.text().includes('begun'))
  t.true(core.recorder.terminate(sessionId, 'ended by the security team'))
  t.not(await run.exited, 0)
  t.regex(run.text(), /abort message received from server: ended by the security team/)
  t.notRegex(run.text(), /DONE/)
  t.like((await ended(sessionId)).end, { reason: EndReason.ABORTED, detail: 'ended by the security team' })
})

realTest(test, needs, 'a sudo that is killed leaves a session whose recorder was killed', async (t) => {
  const { run, sessionId } = await opens(() => account.sudo(self('sh', '-c', 'echo begun; sleep 60')))
  await until(() => run.text().includes('begun'))
  process.kill(run.child.pid!, 'SIGKILL')
  t.like((await ended(sessionId)).end, { reason: EndReason.RECORDER_KILLED })
  await run.exited
})

realTest(test, needs, 'what policy refuses to a real sudo is an event', async (t) => {
  const run = account.sudo(['-n', '-u', 'root', 'id'])
  t.is(await run.exited, 1)
  const refused = async () => (await eventsOf(core)).find(({ kind }) => kind === 'privilege_change')
  await until(async () => (await refused()) !== undefined)
  t.like(await refused(), {
    outcome: 'failure',
    user: account.name,
    fromUser: account.name,
    toUser: 'root',
    reason: 'a password is required',
  })
})

realTest(test, needs, 'names that are not UTF-8 do not hide a session', async (t) => {
  const { run, sessionId } = await opens(() =>
    account.sudo(self('sh', '-c', 'sh -c true "$(printf \'caf\\351\')"; echo recorded; sleep 0.2')),
  )
  t.is(await run.exited, 0, run.text())
  const session = await recordingOf(sessionId)
  t.is(bytesOf(session, Stream.STDOUT).toString(), 'recorded\n')
  t.true(session.markers.some(({ marker }) => marker.type === 'exec' && marker.argv.at(-1) === 'caf\ufffd'))
})

realTest(test, needs, 'without the agent nothing runs, and with it gone nothing goes on', async (t) => {
  const { run } = await opens(() => account.sudo(self('sh', '-c', 'echo begun; sleep 60; echo DONE')))
  await until(() => run.text().includes('begun'))
  await closers.at(-2)!() // the hook
  t.not(await run.exited, 0)
  t.notRegex(run.text(), /DONE/)
  const refused = account.sudo(self('echo', 'ran'))
  t.not(await refused.exited, 0)
  t.regex(refused.text(), /unable to connect to log server/)
  t.notRegex(refused.text(), /ran/)
})

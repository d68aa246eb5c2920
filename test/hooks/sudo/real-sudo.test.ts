import { execFileSync } from 'node:child_process'
import test from 'ava'
import type { TtyMode } from '#hooks/hook.ts'
import { startSudoHook } from '#hooks/sudo/sudo-hook.ts'
import { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { missing, realTest } from '#test/helpers/real.ts'
import { createSudoAccount, type SudoAccount } from '#test/helpers/sudo-account.ts'
import { until } from '#test/helpers/until.ts'
import { createMemoryRecorder, type MemorySession } from './memory-recorder.ts'

const needs = ['root', 'sudo', 'visudo', 'useradd', 'script', 'perl']
const memory = createMemoryRecorder()
let account: SudoAccount
let closeHook: () => Promise<void>

if (missing(...needs) === null) {
  test.before(async () => {
    const base = Config.parse({})
    const config = { ...base, sudo: { ...base.sudo, port: 0 } }
    const hook = await startSudoHook({ config, recorder: memory.recorder, log: createLogger('sudo-test', 'silent') })
    closeHook = hook.close
    account = createSudoAccount(hook.port, 'log_input, log_output, log_subcmds')
  })
  test.after.always(async () => {
    account?.remove()
    await closeHook?.()
  })
}

/** The session that the next sudo of this user opens. */
const nextSession = async (act: () => void): Promise<MemorySession> => {
  const before = memory.sessions.length
  act()
  await until(() => memory.sessions.length > before, { what: 'a session' })
  return memory.sessions[before]!
}
const framesOf = (session: MemorySession, wanted: Stream): Buffer[] =>
  session.frames.filter(({ stream }) => stream === wanted).map(({ data }) => Buffer.from(data))
const bytesOf = (session: MemorySession, wanted: Stream): string =>
  Buffer.concat(framesOf(session, wanted)).toString('utf8')
const sudosOn = (terminal: string): number[] =>
  execFileSync('ps', ['-o', 'pid=,comm=', '-t', terminal.replace('/dev/', '')])
    .toString()
    .split('\n')
    .flatMap((line) => (/^ *([0-9]+) sudo$/.exec(line)?.[1] ? [Number.parseInt(line, 10)] : []))
const self = (...command: string[]) => ['-n', '-u', account.name, ...command]

realTest(
  test,
  needs,
  'a real command without a terminal: its bytes, its origin, its exit code (memory recorder)',
  async (t) => {
    const env = { SSH_CONNECTION: '2001:db8::7 50122 2001:db8::1 22', SSH_ORIGINAL_COMMAND: 'printf' }
    const run = account.sudo(self('sh', '-c', 'printf "out\\377\\n"; sleep 0.2; exit 7'), { env })
    run.child.stdin!.end()
    t.is(await run.exited, 7)
    const session = memory.sessions.at(-1)!
    t.deepEqual(run.output(), Buffer.from([0x6f, 0x75, 0x74, 0xff, 0x0a]))
    t.deepEqual(Buffer.concat(framesOf(session, Stream.STDOUT)), run.output())
    t.like(session.ending, { reason: 'exit', exitCode: 7 })
    t.like(session.opening, {
      user: account.name,
      runAs: account.name,
      tty: null,
      sourceIp: '2001:db8::7',
      sourcePort: 50_122,
      originalCommand: 'printf',
    })
    t.true(session.markers.some(({ marker }) => marker.type === 'exec' && marker.command.endsWith('/sleep')))
  },
)

realTest(
  test,
  needs,
  'sudo does not wait after its exit: the final commit point is the one it counts (memory recorder)',
  async (t) => {
    const run = account.sudo(self('sh', '-c', 'echo one; sleep 0.1; echo two'), { terminal: true })
    t.is(await run.exited, 0, run.text())
    t.notRegex(run.text(), /sudo:/)
    const session = memory.sessions.at(-1)!
    t.is(bytesOf(session, Stream.TTYOUT), run.text())
  },
)

realTest(
  test,
  needs,
  'the mode of the terminal is that of the command: echo, no echo, raw (memory recorder)',
  async (t) => {
    let run!: ReturnType<SudoAccount['sudo']>
    const session = await nextSession(() => {
      run = account.sudo(self('bash', '--norc', '-i'), { terminal: true })
    })
    const becomes = (mode: TtyMode) =>
      until(async () => (await session.opening.ttyMode!()) === mode, { what: `mode ${mode}`, everyMs: 250 })
    await until(() => run.text().includes('$ '), { what: 'prompt' })
    await t.notThrowsAsync(becomes('raw'), 'readline')
    run.type('cat\r')
    await t.notThrowsAsync(becomes('echo'), 'cat')
    run.type('\u0004')
    await t.notThrowsAsync(becomes('raw'), 'readline again')
    run.type("read -s -p 'Secret: ' x\r")
    await until(() => run.text().includes('\rSecret: '), { what: 'prompt' })
    await t.notThrowsAsync(becomes('no_echo'), 'read -s')
    run.type('hunter2\r')
    run.type('exit 3\r')
    t.is(await run.exited, 3)
    t.is(await session.opening.ttyMode!(), 'unknown')
  },
)

realTest(
  test,
  needs,
  'resizes and a stop and its continuation of a real sudo are recorded (memory recorder)',
  async (t) => {
    let run!: ReturnType<SudoAccount['sudo']>
    const session = await nextSession(() => {
      run = account.sudo(self('sh', '-c', 'echo begun; kill -TSTP $$; echo awake; sleep 0.3'), { terminal: true })
    })
    const suspends = () => framesOf(session, Stream.SUSPEND).map((data) => data.toString())
    await until(() => suspends().length > 0, { what: 'the stop' })
    // The terminal that `script` made for this user; sudo is stopped in it, as by Ctrl-Z in a shell.
    const terminal = session.opening.tty!
    execFileSync('stty', ['-F', terminal, 'rows', '41', 'cols', '99'])
    for (const pid of sudosOn(terminal)) process.kill(pid, 'SIGCONT')
    t.is(await run.exited, 0, run.text())
    t.deepEqual(suspends(), ['TSTP', 'CONT'])
    // stty sets rows and columns one after the other.
    t.deepEqual([...framesOf(session, Stream.RESIZE).at(-1)!], [0, 41, 0, 99])
    t.regex(run.text(), /awake/)
  },
)

realTest(
  test,
  needs,
  'an abort kills the command of a real sudo and tells its user why (memory recorder)',
  async (t) => {
    let run!: ReturnType<SudoAccount['sudo']>
    const session = await nextSession(() => {
      run = account.sudo(self('sh', '-c', 'echo begun; sleep 60; echo DONE'), { terminal: true })
    })
    await until(() => run.text().includes('begun'))
    session.abort('ended by the security team')
    t.not(await run.exited, 0)
    t.regex(run.text(), /abort message received from server: ended by the security team/)
    t.notRegex(run.text(), /DONE/)
    await until(() => session.ending !== null)
    t.like(session.ending, { reason: 'aborted', detail: 'ended by the security team' })
  },
)

realTest(
  test,
  needs,
  'a sudo that is killed leaves a session whose recorder was killed (memory recorder)',
  async (t) => {
    let run!: ReturnType<SudoAccount['sudo']>
    const session = await nextSession(() => {
      run = account.sudo(self('sh', '-c', 'echo begun; sleep 60'))
    })
    await until(() => session.frames.length > 0)
    process.kill(run.child.pid!, 'SIGKILL')
    await until(() => session.ending !== null)
    t.like(session.ending, { reason: 'recorder_killed', exitCode: null })
    await run.exited
  },
)

realTest(test, needs, 'what policy refuses to a real sudo is an event (memory recorder)', async (t) => {
  const before = memory.events.length
  const run = account.sudo(['-n', '-u', 'root', 'id'])
  t.is(await run.exited, 1)
  await until(() => memory.events.length > before)
  t.like(memory.events[before], {
    kind: 'privilege_change',
    outcome: 'failure',
    user: account.name,
    fromUser: account.name,
    toUser: 'root',
    reason: 'a password is required',
  })
})

realTest(test, needs, 'names that are not UTF-8 do not hide a session (memory recorder)', async (t) => {
  const run = account.sudo(self('sh', '-c', 'sh -c true "$(printf \'caf\\351\')"; echo recorded; sleep 0.2'))
  t.is(await run.exited, 0, run.text())
  const session = memory.sessions.at(-1)!
  t.is(bytesOf(session, Stream.STDOUT), 'recorded\n')
  t.true(session.markers.some(({ marker }) => marker.type === 'exec' && marker.argv.at(-1) === 'caf\ufffd'))
})

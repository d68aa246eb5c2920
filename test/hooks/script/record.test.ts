import { execFileSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { hostileBytes } from '#test/helpers/hostile-bytes.ts'
import { isAlive } from '#test/helpers/running.ts'
import { until } from '#test/helpers/until.ts'
import { bytesOf } from '#test/hooks/sudo/recorded.ts'
import { maskedBytes, type PtyStep, recordInPty, startHook } from './start.ts'

const found = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const missing = ['script', 'python3', 'bash'].filter((program) => !found(program))
const withScript = missing.length === 0 ? test : test.skip
const because = missing.length === 0 ? '' : ` (skipped: no ${missing.join(', ')} here)`

const bash = ['--', 'bash', '--norc', '--noprofile']
const prompt = { PS1: 'ready> ' }
withScript(
  `a shell under bartizan record: the bytes of its terminal, a masked password, a resize, its exit code${because}`,
  async (t) => {
    const { at, data, sessions, ended } = await startHook(t)
    const secret = 'Tr0ub4dor-and-3'
    const steps: PtyStep[] = [
      { waitFor: 'ready> ' },
      { typed: 'printf "caf\\303\\251 \\377\\376\\n"\r' },
      { waitFor: 'ready> ' },
      { typed: `read -s -p "Secret: " x; echo; echo length \${#x}\r` },
      { waitFor: `echo length \${#x}` },
      { waitFor: 'Secret: ' },
      { typed: `${secret}\r` },
      { waitFor: `length ${secret.length}` },
      { waitFor: 'ready> ' },
      { resize: [40, 132] },
      { typed: 'stty size\r' },
      { waitFor: '40 132' },
      { waitFor: 'ready> ' },
      { typed: 'exit 7\r' },
    ]
    const { output, exitCode, raw } = await recordInPty(at, bash, steps, { env: prompt })
    await ended()
    t.is(exitCode, 7)
    t.false(raw)
    const [session] = await sessions()
    t.deepEqual(bytesOf(session!, Stream.TTYOUT), output)
    t.true(output.includes(Buffer.from([0xff, 0xfe])))
    const typed = bytesOf(session!, Stream.TTYIN).toString()
    t.false(typed.includes(secret) || typed.includes(secret.slice(4)))
    // Nothing typed is missing: what is not kept is masked, at its place and with its length.
    const sent = steps.reduce((sum, step) => sum + ('typed' in step ? step.typed.length : 0), 0)
    t.is(typed.length + maskedBytes(session!.frames), sent)
    const shownAt = (text: string) => session!.frames.findLastIndex(({ data }) => Buffer.from(data).includes(text))
    const between = session!.frames.slice(shownAt('Secret: ') + 1, shownAt(`length ${secret.length}`))
    t.is(maskedBytes(between), secret.length)
    const resizes = session!.frames.filter(({ stream }) => stream === Stream.RESIZE).map((frame) => [...frame.data])
    t.deepEqual(resizes.at(-1), [0, 40, 0, 132])
    t.is(session!.end!.exitCode, 7)
    t.is(session!.end!.reason, EndReason.EXIT)
    t.like(session!.start, { hook: 'script', sourceIp: '192.0.2.7', rows: 24, cols: 80 })
    t.deepEqual(session!.start.argv, bash.slice(1))
    const spool = join(data, 'agent', 'spool')
    for (const file of await readdir(spool)) t.false((await readFile(join(spool, file))).includes(secret), file)
  },
)

withScript(
  `a command keeps its words, its environment and its exit code, and cannot reach its own recording${because}`,
  async (t) => {
    const { at, sessions, ended } = await startHook(t)
    const program = `printf "%s|" "$@" "$SHELL" "$TERM" "\${RECORDED_COMMAND-none}"; ls -l /proc/self/fd; kill -9 $$`
    const words = ["it's", 'two\nlines', '$HOME `id` "x"', '']
    const env = { SHELL: '/bin/bash', TERM: 'odd term\nO 0.000001 5' }
    const { output, exitCode } = await recordInPty(at, ['sh', '-c', program, 'sh', ...words], [], { env })
    await ended()
    t.is(exitCode, 128 + 9)
    const text = output.toString().replaceAll('\r\n', '\n')
    t.true(text.startsWith(`${words.join('|')}|/bin/bash|dumb|none|`), text)
    t.notRegex(text, /bartizan-script/)
    const [session] = await sessions()
    t.deepEqual(bytesOf(session!, Stream.TTYOUT), output)
    t.deepEqual(session!.start.argv, ['sh', '-c', program, 'sh', ...words])
    t.is(session!.end!.exitCode, 128 + 9)
  },
)

withScript(`every byte there is, typed or shown, arrives as it was${because}`, async (t) => {
  const { at, data, sessions, ended } = await startHook(t)
  const file = join(data, 'hostile')
  await writeFile(file, hostileBytes())
  const program = `stty raw -echo; printf READY; head -c 9 | od -An -tx1; cat ${file}; stty sane`
  const steps: PtyStep[] = [{ waitFor: 'READY' }, { resize: [41, 99] }, { typed: 'a\u0000b\u0001\u007f\u0003é\u0004' }]
  const { output, exitCode } = await recordInPty(at, ['--', 'sh', '-c', program], steps)
  await ended()
  t.is(exitCode, 0)
  t.true(output.includes(hostileBytes()))
  t.regex(output.toString('latin1'), / 61 00 62 01 7f 03 c3 a9 04/)
  const [session] = await sessions()
  t.true(bytesOf(session!, Stream.TTYOUT).equals(output))
  // Nobody echoed it: what is not kept is masked, with its length.
  t.is(bytesOf(session!, Stream.TTYIN).length + maskedBytes(session!.frames), 9)
})

withScript(`a flood arrives whole, and the agent holds only a few megabytes of it${because}`, async (t) => {
  const { at, sessions, ended } = await startHook(t)
  const { output, exitCode } = await recordInPty(at, ['--', 'sh', '-c', 'seq 1 700000'], [])
  await ended()
  t.is(exitCode, 0)
  const [session] = await sessions()
  t.true(output.length > 5_000_000)
  t.true(bytesOf(session!, Stream.TTYOUT).equals(output))
})

withScript(
  `kill -9 of script: the shell ends, the terminal is usable again, the session says that its recorder was killed${because}`,
  async (t) => {
    const { at, sessions, ended } = await startHook(t)
    const { output, exitCode, raw } = await recordInPty(
      at,
      bash,
      [
        { waitFor: 'ready> ' },
        { typed: 'echo pid $$ end\r' },
        { waitFor: ' end\r\n' },
        { run: ['pkill', '-9', '-x', 'script', '-P', '$PID'] },
      ],
      { env: prompt },
    )
    await ended()
    t.is(exitCode, 128 + 9)
    t.false(raw)
    const pid = Number(/pid ([0-9]+) end\r\n/.exec(output.toString())?.[1])
    await until(() => !isAlive(pid), { limitMs: 30_000, what: 'the end of the shell' })
    const [session] = await sessions()
    t.is(session!.end!.reason, EndReason.RECORDER_KILLED)
    t.is(session!.end!.exitCode, undefined)
    t.true(output.includes(bytesOf(session!, Stream.TTYOUT)))
  },
)

withScript(`kill -9 of bartizan record ends nothing that is recorded${because}`, async (t) => {
  const { at, sessions, ended } = await startHook(t)
  const program = 'echo first; sleep 1; echo second; exit 4'
  await recordInPty(
    at,
    ['--', 'sh', '-c', program],
    [{ waitFor: 'first' }, { run: ['pkill', '-9', '-P', '$PID'] }, { waitFor: 'second' }],
    { inside: ['sh', '-c', '"$@"; sleep 2', 'sh'] },
  )
  await ended()
  const [session] = await sessions()
  t.regex(bytesOf(session!, Stream.TTYOUT).toString(), /first\r\nsecond\r\n/)
  t.is(session!.end!.exitCode, 4)
})

withScript(`the agent ends a session: the person is told why, and nothing goes on unrecorded${because}`, async (t) => {
  const { at, abortAll, openSessions, sessions, ended } = await startHook(t)
  const running = recordInPty(at, bash, [{ waitFor: 'ready> ' }, { waitFor: 'no more of this' }], { env: prompt })
  await until(async () => (await openSessions()) === 1, { limitMs: 30_000 })
  await until(async () => ((await sessions())[0]?.frames.length ?? 0) > 0, { limitMs: 30_000 })
  await abortAll('no more of this')
  const { exitCode, raw } = await running
  await ended()
  t.is(exitCode, 128 + 9)
  t.false(raw)
  t.is((await sessions())[0]!.end!.reason, EndReason.ABORTED)
})

withScript(`refused: the agent's words are shown and nothing is started${because}`, async (t) => {
  const { at, refuse } = await startHook(t)
  await refuse('this host takes no sessions')
  const { output, exitCode } = await recordInPty(at, ['--', 'echo', 'unrecorded'], [])
  t.is(exitCode, 1)
  t.regex(output.toString(), /this host takes no sessions/)
  t.notRegex(output.toString(), /unrecorded/)
})

withScript(`without an agent nothing is started${because}`, async (t) => {
  const { at, close } = await startHook(t)
  await close('gone')
  const { output, exitCode } = await recordInPty(at, ['--', 'echo', 'unrecorded'], [])
  t.is(exitCode, 1)
  t.regex(output.toString(), /no agent listens on port/)
  t.notRegex(output.toString(), /unrecorded\r/)
})

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { realTest } from '#test/helpers/real.ts'
import { connectSudoClient } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'
import type { MemorySession } from './memory-recorder.ts'
import { startWithMemory } from './start.ts'

const iolog = fileURLToPath(new URL('../../fixtures/sudo/iolog', import.meta.url))
const needs = ['sudo_sendlog']

const sendlog = (port: number, ...args: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const command = ['-h', '127.0.0.1', '-p', String(port), ...args, iolog]
    execFile('/usr/sbin/sudo_sendlog', command, { timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr })
    })
  })

type Step = { stream: Stream; delayNs: bigint; argument: string }
const kinds: Record<string, Stream> = { 3: Stream.TTYIN, 4: Stream.TTYOUT, 5: Stream.RESIZE }
const timing: Step[] = readFileSync(`${iolog}/timing`, 'utf8')
  .trim()
  .split('\n')
  .map((line) => {
    const [kind, delay, ...argument] = line.split(' ')
    const [seconds, fraction] = delay!.split('.')
    const delayNs = BigInt(seconds!) * 1_000_000_000n + BigInt(fraction!.padEnd(9, '0'))
    return { stream: kinds[kind!]!, delayNs, argument: argument.join(' ') }
  })
const totalNs = timing.reduce((sum, { delayNs }) => sum + delayNs, 0n)
const shape = (session: MemorySession) => session.frames.map(({ stream, delayNs }) => ({ stream, delayNs }))
const output = (session: MemorySession) =>
  Buffer.concat(session.frames.filter(({ stream }) => stream === Stream.TTYOUT).map(({ data }) => data))

realTest(
  test,
  needs,
  'sudo_sendlog sends a recording and is content with the commit point (memory recorder)',
  async (t) => {
    const { port, sessions } = await startWithMemory(t)
    const { code, output: said } = await sendlog(port)
    t.is(code, 0, said)
    const session = sessions[0]!
    t.deepEqual(
      shape(session),
      timing.map(({ stream, delayNs }) => ({ stream, delayNs })),
    )
    t.deepEqual(output(session), readFileSync(`${iolog}/ttyout`))
    t.like(session.ending, { reason: 'exit', exitCode: 3 })
    t.regex(session.opening.client, /^Sudo Sendlog/)
  },
)

realTest(test, needs, 'sudo_sendlog goes on where a cut connection was committed (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  const first = await connectSudoClient(port, { clientId: 'Sudo Logsrvd 1.9.13p3' })
  await first.greeted()
  first.accept()
  const logId = await first.logId()
  const bytes = readFileSync(`${iolog}/ttyout`)
  first.io('ttyoutBuf', bytes.subarray(0, Number(timing[0]!.argument)), timing[0]!.delayNs)
  await first.committed()
  first.vanish()
  const at = first.acknowledgedNs
  await until(() => sessions[0]!.frames.length === 1)
  const { code, output: said } = await sendlog(port, '-r', `${at / 1_000_000_000n},${at % 1_000_000_000n}`, '-i', logId)
  t.is(code, 0, said)
  t.is(sessions.length, 1)
  t.deepEqual(sessions[0]!.resumedAtNs, [at])
  t.deepEqual(output(sessions[0]!), bytes)
  t.is(
    sessions[0]!.frames.reduce((sum, { delayNs }) => sum + delayNs, 0n),
    totalNs,
  )
  t.like(sessions[0]!.ending, { reason: 'exit', exitCode: 3 })
})

realTest(test, needs, 'sudo_sendlog -A reports a command without recording it (memory recorder)', async (t) => {
  const { port, sessions, events } = await startWithMemory(t)
  const { code, output: said } = await sendlog(port, '-A')
  t.is(code, 0, said)
  await until(() => events.length === 3)
  t.is(sessions.length, 0)
  t.deepEqual(
    events.map(({ kind }) => kind),
    ['session_started', 'command', 'session_ended'],
  )
})

realTest(test, needs, 'sudo_sendlog -R reports a refusal and is not left waiting (memory recorder)', async (t) => {
  const { port, events } = await startWithMemory(t)
  const { code, output: said } = await sendlog(port, '-R', 'not in sudoers')
  t.is(code, 0, said)
  t.like(events[0], { outcome: 'failure', reason: 'not in sudoers' })
})

realTest(test, needs, 'fifty recordings at once arrive whole (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  const { code, output: said } = await sendlog(port, '-t', '50')
  t.is(code, 0, said)
  t.is(sessions.length, 50)
  for (const session of sessions) {
    t.deepEqual(output(session), readFileSync(`${iolog}/ttyout`))
    t.like(session.ending, { reason: 'exit', exitCode: 3 })
  }
})

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { realTest } from '#test/helpers/real.ts'
import { connectSudoClient } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'
import { bytesOf, type RecordedSession } from './recorded.ts'
import { startWithAgent } from './start.ts'

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
const output = (session: RecordedSession) => bytesOf(session, Stream.TTYOUT)
const sent = readFileSync(`${iolog}/ttyout`)

realTest(test, needs, 'sudo_sendlog sends a recording and is content with the commit point', async (t) => {
  const { port, sessions } = await startWithAgent(t)
  const { code, output: said } = await sendlog(port)
  t.is(code, 0, said)
  const [session] = await sessions()
  t.deepEqual(output(session!), sent)
  t.is(session!.elapsedNs, totalNs)
  const sizes = session!.frames.filter(({ stream }) => stream === Stream.RESIZE).map(({ data }) => [...data])
  t.deepEqual(sizes, [[0, 40, 0, 90]])
  t.like(session!.end, { reason: EndReason.EXIT, exitCode: 3 })
  t.regex(session!.start.client, /^Sudo Sendlog/)
})

for (const [where, overlap] of [
  ['where it was committed', 0],
  ['before that, and nothing is recorded twice', 1],
] as const) {
  realTest(test, needs, `sudo_sendlog goes on after a cut: ${where}`, async (t) => {
    const { port, sessions } = await startWithAgent(t)
    const first = await connectSudoClient(port, { clientId: 'Sudo Logsrvd 1.9.13p3' })
    await first.greeted()
    first.accept()
    const logId = await first.logId()
    const points: bigint[] = []
    let at = 0
    for (const { argument, delayNs } of timing.slice(0, 3)) {
      const size = Number(argument)
      first.io('ttyoutBuf', sent.subarray(at, at + size), delayNs)
      at += size
      points.push(first.elapsedNs)
    }
    await first.committed()
    first.vanish()
    const from = points.at(-1 - overlap)!
    const resume = ['-r', `${from / 1_000_000_000n},${from % 1_000_000_000n}`, '-i', logId]
    const { code, output: said } = await sendlog(port, ...resume)
    t.is(code, 0, said)
    const [session, ...others] = await sessions()
    t.is(others.length, 0)
    t.deepEqual(output(session!), sent)
    t.is(session!.elapsedNs, totalNs)
    t.like(session!.end, { reason: EndReason.EXIT, exitCode: 3 })
    t.true(session!.markers.some(({ marker }) => marker.type === 'resumed'))
  })
}

realTest(test, needs, 'sudo_sendlog -A reports a command without recording it', async (t) => {
  const { port, sessions, events } = await startWithAgent(t)
  const { code, output: said } = await sendlog(port, '-A')
  t.is(code, 0, said)
  await until(async () => (await events()).length === 3)
  t.deepEqual(await sessions(), [])
  t.deepEqual(
    (await events()).map(({ kind, recorded }) => [kind, recorded]),
    [
      ['session_started', false],
      ['command', undefined],
      ['session_ended', false],
    ],
  )
})

realTest(test, needs, 'sudo_sendlog -R reports a refusal and is not left waiting', async (t) => {
  const { port, events } = await startWithAgent(t)
  const { code, output: said } = await sendlog(port, '-R', 'not in sudoers')
  t.is(code, 0, said)
  t.like((await events())[0], { outcome: 'failure', reason: 'not in sudoers' })
})

realTest(test, needs, 'fifty recordings at once arrive whole', async (t) => {
  const { port, sessions } = await startWithAgent(t)
  const { code, output: said } = await sendlog(port, '-t', '50')
  t.is(code, 0, said)
  const recorded = await sessions()
  t.is(recorded.length, 50)
  for (const session of recorded) {
    t.deepEqual(output(session), sent)
    t.like(session.end, { reason: EndReason.EXIT, exitCode: 3 })
  }
})

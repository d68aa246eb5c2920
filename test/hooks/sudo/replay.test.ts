import { readFileSync } from 'node:fs'
import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { connectSudoClient } from '#test/helpers/sudo-client.ts'
import { bytesOf } from './recorded.ts'
import { startWithAgent } from './start.ts'

const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/sudo/${name}`, import.meta.url))

type Line = {
  c: number
  msg?: string
  delay?: number
  bytes?: number
  data?: string
  send?: string
  f2?: number
  info?: { runargv: string[] }
}
/** What an independent server made of the same bytes, per connection. */
const decoded = (connection: number): Line[] =>
  fixture('client-stream-forcecommand.decoded.jsonl')
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
    .filter(({ c }) => c === connection)

const streams: Record<string, Stream> = {
  ttyin: Stream.TTYIN,
  ttyout: Stream.TTYOUT,
  stdout: Stream.STDOUT,
  winsize: Stream.RESIZE,
}
const framesIn = (lines: Line[]) => lines.filter(({ msg }) => msg !== undefined && msg in streams)
const microseconds = (ns: bigint): number => Math.round(Number(ns) / 1000)

const replay = async (t: Parameters<typeof startWithAgent>[0], name: string, chunkBytes = 64 * 1024) => {
  const { port, sessions, events } = await startWithAgent(t)
  const client = await connectSudoClient(port, { clientId: null })
  await client.greeted()
  const stream = fixture(name)
  for (let at = 0; at < stream.length; at += chunkBytes) {
    client.sayRaw(stream.subarray(at, at + chunkBytes))
    if (chunkBytes < 100) await new Promise(setImmediate)
  }
  await client.closed()
  const [session, ...others] = await sessions()
  t.is(others.length, 0)
  return { client, session: session!, events }
}

for (const chunkBytes of [64 * 1024, 61]) {
  test(`a real login shell, in pieces of ${chunkBytes} bytes, is in the spool when it is acknowledged`, async (t) => {
    const { client, session } = await replay(t, 'client-stream-forcecommand-shell.bin', chunkBytes)
    const shown = framesIn(decoded(1)).filter(({ msg }) => msg === 'ttyout')
    const recorded = session.frames.filter(({ stream }) => stream === Stream.TTYOUT)
    t.deepEqual(
      recorded.map(({ data }) => [data.length, Buffer.from(data).toString().slice(0, 60)]),
      shown.map(({ bytes, data }) => [bytes, data]),
    )
    const resize = session.frames.find(({ stream }) => stream === Stream.RESIZE)!
    t.deepEqual([...resize.data], [0, 50, 0, 132])
    const totalNs = session.frames.reduce((sum, { delayNs }) => sum + delayNs, 0n)
    t.is(microseconds(totalNs), 837_814)
    t.is(session.elapsedNs, totalNs)
    t.is(client.heard.commitsNs.at(-1), totalNs)
    t.like(session.end, { reason: EndReason.EXIT, exitCode: 0, signal: '', runTimeNs: 840_930_857n })
  })
}

test('what is typed in a real login shell is kept, and the password that was typed without echo is not', async (t) => {
  const { session } = await replay(t, 'client-stream-forcecommand-shell.bin')
  const typed = framesIn(decoded(1)).filter(({ msg }) => msg === 'ttyin')
  const text = bytesOf(session, Stream.TTYIN).toString()
  for (const { data } of typed.filter((line) => line.data !== 'hunter2\n')) t.true(text.includes(data!), data)
  t.false(
    JSON.stringify(session, (_, value) => (typeof value === 'bigint' ? String(value) : value)).includes('hunter2'),
  )
  t.is(
    session.frames.reduce((sum, { masked }) => sum + (masked?.length ?? 0), 0),
    'hunter2'.length,
  )
})

test('the start of a real login shell says who, from where, where and with what', async (t) => {
  const { session } = await replay(t, 'client-stream-forcecommand-shell.bin')
  t.like(session.start, {
    hook: 'sudo',
    user: 'bastion1',
    runAs: 'bastion1',
    target: 'vm',
    sourceIp: '127.0.0.1',
    tty: '/dev/pts/1',
    rows: 30,
    cols: 100,
    cwd: '/home/bastion1',
    originalCommand: '',
    client: 'sudoers 1.9.13p3',
    atMs: 1_795_216_899_611n,
    parentId: '',
  })
  t.deepEqual(session.start.argv, ['-bash'])
  t.regex(session.start.connectionId, /^[0-9a-f]{32}$/)
  t.is(session.start.env.SSH_TTY, '/dev/pts/1')
})

test('each execve of a real session is a marker at its place in the stream, and an event', async (t) => {
  const { session, events } = await replay(t, 'client-stream-forcecommand-shell.bin')
  let shown = 0
  const expected: { argv: string[]; afterOutput: number }[] = []
  for (const { msg, info } of decoded(1)
    .filter((line) => line.msg)
    .slice(2)) {
    if (msg === 'accept') expected.push({ argv: info!.runargv, afterOutput: shown })
    else if (msg === 'ttyout') shown += 1
  }
  t.is(expected.length, 8)
  t.deepEqual(
    session.markers.map(({ marker, afterFrames }) => ({
      argv: marker.type === 'exec' ? marker.argv : [],
      afterOutput: session.frames.slice(0, afterFrames).filter(({ stream }) => stream === Stream.TTYOUT).length,
    })),
    expected,
  )
  t.like(session.markers[2]!.marker, {
    type: 'exec',
    command: '/usr/bin/whoami',
    cwd: '/home/bastion1',
    runAs: 'bastion1',
  })
  const commands = (await events()).filter(({ kind }) => kind === 'command')
  t.deepEqual(
    commands.map(({ argv }) => argv as string[]),
    expected.map(({ argv }) => argv),
  )
})

test('a real command without a terminal keeps its output and its exit code', async (t) => {
  const { session, client } = await replay(t, 'client-stream-forcecommand-exec.bin')
  t.is(session.start.tty, '')
  t.is(session.start.originalCommand, 'echo nopty; id -un; exit 7')
  t.is(bytesOf(session, Stream.STDOUT).toString(), 'nopty\nbastion1\n')
  t.like(session.end, { reason: EndReason.EXIT, exitCode: 7 })
  t.deepEqual(client.heard.logIds, [session.sessionId, session.sessionId])
})

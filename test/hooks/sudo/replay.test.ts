import { readFileSync } from 'node:fs'
import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { connectSudoClient } from '#test/helpers/sudo-client.ts'
import { startWithMemory } from './start.ts'

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

const replay = async (t: Parameters<typeof startWithMemory>[0], name: string, chunkBytes: number) => {
  const { port, sessions, events } = await startWithMemory(t)
  const client = await connectSudoClient(port, { clientId: null })
  await client.greeted()
  const stream = fixture(name)
  for (let at = 0; at < stream.length; at += chunkBytes) {
    client.sayRaw(stream.subarray(at, at + chunkBytes))
    if (chunkBytes < 100) await new Promise(setImmediate)
  }
  await client.closed()
  return { client, session: sessions[0]!, sessions, events }
}

for (const chunkBytes of [64 * 1024, 61]) {
  test(`a real login shell, in pieces of ${chunkBytes} bytes, is recorded frame by frame (memory recorder)`, async (t) => {
    const { client, session, sessions } = await replay(t, 'client-stream-forcecommand-shell.bin', chunkBytes)
    t.is(sessions.length, 1)
    const expected = decoded(1).filter(({ msg }) => msg !== undefined && msg in streams)
    t.deepEqual(
      session.frames.map(({ stream, delayNs }) => [stream, Math.round(Number(delayNs) / 1000)]),
      expected.map(({ msg, delay }) => [streams[msg!]!, Math.round(delay! * 1e6)]),
    )
    for (const [index, { bytes, data, msg }] of expected.entries()) {
      if (msg === 'winsize') continue
      const recorded = Buffer.from(session.frames[index]!.data)
      t.is(recorded.length, bytes!)
      t.is(recorded.toString().slice(0, 60), data!)
    }
    const resize = session.frames.find(({ stream }) => stream === Stream.RESIZE)!
    t.deepEqual([...resize.data], [0, 50, 0, 132])
    t.like(session.ending, { reason: 'exit', exitCode: 0, signal: null, runTimeNs: 840_930_857n })
    t.deepEqual(
      client.heard.commitsNs.at(-1),
      session.frames.reduce((sum, { delayNs }) => sum + delayNs, 0n),
    )
  })
}

test('the opening of a real login shell says who, from where, where and with what (memory recorder)', async (t) => {
  const { session } = await replay(t, 'client-stream-forcecommand-shell.bin', 64 * 1024)
  t.like(session.opening, {
    hook: 'sudo',
    user: 'bastion1',
    runAs: 'bastion1',
    target: 'vm',
    sourceIp: '127.0.0.1',
    tty: '/dev/pts/1',
    rows: 30,
    cols: 100,
    argv: ['-bash'],
    cwd: '/home/bastion1',
    originalCommand: null,
    client: 'sudoers 1.9.13p3',
    startedAtMs: 1_795_216_899_611,
  })
  t.regex(session.opening.connectionId ?? '', /^[0-9a-f]{32}$/)
  t.is(session.opening.env.SSH_TTY, '/dev/pts/1')
})

test('each execve of a real session is a marker at its place in the stream (memory recorder)', async (t) => {
  const { session } = await replay(t, 'client-stream-forcecommand-shell.bin', 64 * 1024)
  let frames = 0
  const expected: { argv: string[]; afterFrames: number }[] = []
  for (const { msg, info } of decoded(1)
    .filter((line) => line.msg)
    .slice(2)) {
    if (msg === 'accept') expected.push({ argv: info!.runargv, afterFrames: frames })
    else if (msg! in streams) frames += 1
  }
  t.is(expected.length, 8)
  t.deepEqual(
    session.markers.map(({ marker, afterFrames }) => ({
      argv: marker.type === 'exec' ? marker.argv : [],
      afterFrames,
    })),
    expected,
  )
  t.like(session.markers[2]!.marker, {
    type: 'exec',
    command: '/usr/bin/whoami',
    cwd: '/home/bastion1',
    runAs: 'bastion1',
  })
})

test('a real command without a terminal keeps its output and its exit code (memory recorder)', async (t) => {
  const { session, client } = await replay(t, 'client-stream-forcecommand-exec.bin', 64 * 1024)
  t.is(session.opening.tty, null)
  t.is(session.opening.ttyMode, undefined)
  t.is(session.opening.originalCommand, 'echo nopty; id -un; exit 7')
  t.deepEqual(
    session.frames.map(({ stream, data }) => [stream, Buffer.from(data).toString()]),
    [
      [Stream.STDOUT, 'nopty\n'],
      [Stream.STDOUT, 'bastion1\n'],
    ],
  )
  t.like(session.ending, { reason: 'exit', exitCode: 7 })
  t.deepEqual(client.heard.logIds, [session.logId, session.logId])
})

import { request } from 'node:http'
import test from 'ava'
import { revokeKey } from '#hooks/asciinema-live/stream-keys.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { batchesOf, bytesOf, configOf, openCore, spooled } from '#test/hooks/agent/core.ts'
import { createMemoryRecorder } from '#test/hooks/sudo/memory-recorder.ts'
import { connectClient, startHook } from './start.ts'

const limitMs = 30_000
type Core = Awaited<ReturnType<typeof openCore>>

const sessionIds = async (core: Core): Promise<string[]> => [
  ...new Set(
    (await spooled(core)).flatMap(({ type, sessionId }) => (type === 'batch' && sessionId ? [sessionId] : [])),
  ),
]
const recorded = async (core: Core, sessionId: string) => {
  const batches = await batchesOf(core, sessionId)
  const frames = batches.flatMap((batch) => batch.frames)
  const markers = frames
    .filter(({ stream }) => stream === Stream.MARKER)
    .map(({ data }) => Buffer.from(data).toString())
  const end = batches.find((batch) => batch.end)?.end
  return { start: batches[0]!.start!, frames, markers, output: bytesOf(frames, Stream.TTYOUT).toString(), end }
}
const ended = (core: Core, sessionId: string) =>
  until(async () => (await recorded(core, sessionId)).end !== undefined, { limitMs, what: 'the end' })

test('a stream becomes a session of the owner of its key, to the byte, with its times, markers and exit code', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const hook = await startHook(t, core.recorder)
  const client = await connectClient(hook.url)
  t.is(client.ws.protocol, 'v1.alis')
  client.begin()
  client.event('o', 1, 300_000, '$ h\u00e9llo \ufffd\r\n')
  client.event('m', 2, 1_000, 'look here')
  client.resize(3, 132, 40)
  client.event('o', 4, 2_000, 'bye\r\n')
  client.exit(5, 3)
  t.deepEqual(await client.closed, { code: 1000, reason: 'recorded' })
  const [id] = await sessionIds(core)
  await ended(core, id!)
  const { start, frames, output, markers, end } = await recorded(core, id!)
  t.like(start, {
    hook: 'asciinema',
    user: 'alice',
    sourceIp: '127.0.0.1',
    client: 'asciinema/3.2.0',
    rows: 24,
    cols: 80,
  })
  t.is(output, '$ h\u00e9llo \ufffd\r\nbye\r\n')
  t.is(
    frames.reduce((sum, { delayNs }) => sum + delayNs, 0n),
    303_000_000n,
  )
  t.deepEqual(bytesOf(frames, Stream.RESIZE), Buffer.of(0, 40, 0, 132))
  t.deepEqual(markers, ['{"type":"alert","reason":"marker: look here"}'])
  t.is(end?.reason, EndReason.EXIT)
  t.is(end?.exitCode, 3)
  t.regex(end!.detail, /text and times of 1 us: characters U\+FFFD, .*: 1, the first at 0 ms/)
})

test('a client that comes back goes on in its session; what it sent meanwhile is named, its screen recorded', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const hook = await startHook(t, core.recorder)
  const first = await connectClient(hook.url)
  first.begin()
  first.event('o', 1, 1_000, 'one')
  await until(async () => (await sessionIds(core)).length === 1 && core.recorder.liveCount === 1, { limitMs })
  const [id] = await sessionIds(core)
  await until(async () => (await recorded(core, id!)).output === 'one', { limitMs })
  first.cut()
  const second = await connectClient(hook.url)
  second.begin(1, 2_000n, 'a screen that says what is recorded')
  second.event('o', 2, 1_000, 'two')
  await until(async () => (await recorded(core, id!)).output === 'onetwo', { limitMs })
  second.cut()
  const third = await connectClient(hook.url)
  third.begin(5, 10_000n, 'SCREEN')
  third.event('o', 6, 1_000, 'six')
  third.event('o', 9, 1_000, 'nine')
  third.exit(10, 0)
  await third.closed
  await ended(core, id!)
  t.deepEqual(await sessionIds(core), [id!])
  const { output, markers, frames } = await recorded(core, id!)
  t.is(output, 'onetwo\x1bcSCREENsixnine')
  t.is(
    frames.reduce((sum, { delayNs }) => sum + delayNs, 0n),
    12_000_000n,
  )
  t.deepEqual(
    markers.map((text) => JSON.parse(text).detail.split(';')[0]),
    [
      'the client came back, and nothing is missing',
      'the client came back',
      'events 3 to 5 of the stream never came',
      'events 7 to 8 of the stream never came',
    ],
  )
})

test('streams of one key at the same time are sessions of their own, and each client finds its own again', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const hook = await startHook(t, core.recorder)
  const clients = []
  for (const [name, offsetUs] of [
    ['a', 0n],
    ['b', 60_000_000n],
  ] as const) {
    const client = await connectClient(hook.url)
    client.begin(1, offsetUs, '')
    client.event('o', 2, 1_000, name)
    clients.push({ name, client, offsetUs })
  }
  const outputs = async () => {
    const ids = await sessionIds(core)
    return (await Promise.all(ids.map(async (id) => (await recorded(core, id)).output))).sort()
  }
  await until(async () => (await outputs()).join() === 'a,b', { limitMs })
  for (const { client } of clients) client.cut()
  for (const { name, offsetUs } of clients.reverse()) {
    const client = await connectClient(hook.url)
    client.begin(2, offsetUs + 2_000n, '')
    client.event('o', 3, 1_000, name.toUpperCase())
    client.exit(4, 0)
    await client.closed
  }
  await until(async () => (await outputs()).every((output) => output.length > 1), { limitMs })
  t.deepEqual(await outputs(), ['aA', 'bB'])
})

test('a stream that runs already says what of it is missing', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const hook = await startHook(t, core.recorder)
  const client = await connectClient(hook.url)
  client.begin(7, 12_000_000n, '\x1b[H$ vi')
  client.exit(8, 0)
  await client.closed
  const [id] = await sessionIds(core)
  await ended(core, id!)
  const { output, markers } = await recorded(core, id!)
  t.is(output, '\x1b[H$ vi')
  t.regex(markers[0]!, /events 1 to 7 of the stream, its first 12 s, came before/)
})

test('the next agent goes on with the streams that the one before it left', async (t) => {
  const data = await temporaryFolder(t)
  const config = configOf(data)
  const before = await openCore(t, config)
  const hook = await startHook(t, before.recorder, { data })
  const client = await connectClient(hook.url)
  client.begin()
  client.event('o', 1, 1_000, 'Password: ')
  client.event('i', 2, 1_000, 'hunter2')
  await until(async () => (await sessionIds(before)).length === 1, { limitMs })
  const [id] = await sessionIds(before)
  await until(async () => (await recorded(before, id!)).output === 'Password: ', { limitMs })
  await hook.close()
  t.is((await client.closed).code, 1012)
  await before.close()

  const after = await openCore(t, config)
  const next = await startHook(t, after.recorder, { data })
  const again = await connectClient(hook.url.replace(`:${hook.port}/`, `:${next.port}/`))
  again.begin(2, 9_000n, 'unused')
  again.event('o', 3, 1_000, 'in')
  again.exit(4, 0)
  await again.closed
  await until(async () => (await sessionIds(after)).length >= 1, { limitMs })
  await ended(after, id!)
  t.deepEqual(await sessionIds(after), [id!])
  const { frames, output } = await recorded(after, id!)
  t.is(output, 'Password: in')
  t.is(
    frames.reduce((sum, { delayNs }) => sum + delayNs, 0n),
    10_000_000n,
  )
  t.deepEqual(
    frames.filter(({ stream }) => stream === Stream.TTYIN).map(({ masked }) => masked?.length),
    [7],
  )
})

test('a client that stays away ends its session as truncated, one that breaks the protocol or is revoked at once', async (t) => {
  const { recorder, sessions } = createMemoryRecorder()
  const hook = await startHook(t, recorder, { graceMs: 50 })
  const start = async () => {
    const client = await connectClient(hook.url)
    const index = sessions.length
    client.begin(5)
    client.event('o', 6, 0, 'x')
    await until(() => (sessions[index]?.frames.length ?? 0) > 0, { limitMs })
    return client
  }
  const endingOf = async (index: number) => {
    await until(() => sessions[index]?.ending != null, { limitMs })
    return sessions[index]?.ending
  }
  ;(await start()).cut()
  t.like(await endingOf(0), { reason: 'truncated', exitCode: null })
  const speaksText = await start()
  speaksText.ws.send('text')
  t.is((await speaksText.closed).code, 4002)
  t.like(await endingOf(1), { reason: 'truncated' })
  const sendsTwice = await start()
  sendsTwice.event('o', 6, 0, 'x')
  t.like(await sendsTwice.closed, { code: 4002, reason: 'live stream refused: an event for the second time' })
  const leaves = await start()
  leaves.ws.close(1000)
  await until(() => sessions[3]?.ending != null, { limitMs })
  t.regex(sessions[3]!.ending!.detail, /without an exit code/)
  const terminated = await start()
  sessions[4]!.abort('an administrator ended it')
  t.deepEqual(await terminated.closed, { code: 4003, reason: 'an administrator ended it' })
  t.like(sessions[4]?.ending, { reason: 'aborted' })
  const revoked = await start()
  await revokeKey(hook.folder, hook.keyId)
  t.is((await revoked.closed).code, 4001)
  t.like(await endingOf(5), { reason: 'aborted' })
})

const statusOf = (url: string, headers: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      'sec-websocket-protocol': 'v1.alis',
    }
    const asked = request(url.replace('ws:', 'http:'), { headers: { ...upgrade, ...headers } })
    asked.once('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.once('upgrade', (_response, socket) => {
      socket.destroy()
      resolve(101)
    })
    asked.once('error', reject)
    asked.end()
  })

test('who may not stream is refused before there is a WebSocket, with a status that says why', async (t) => {
  const { recorder, sessions } = createMemoryRecorder()
  let hasRoom = true
  const { url } = await startHook(t, recorder, { maxStreams: 1, hasRoom: () => hasRoom })
  const wrong = `${url.slice(0, -43)}${'A'.repeat(43)}`
  t.is(await statusOf(url, {}), 101)
  t.is(await statusOf(wrong, {}), 401)
  t.is(await statusOf(`${url}x`, {}), 404)
  t.is(await statusOf(`${url.slice(0, -47)}/`, {}), 404)
  t.is(await statusOf(url, { origin: 'https://example.org' }), 403)
  t.is(await statusOf(url, { 'sec-websocket-protocol': 'v2.alis' }), 400)
  t.is(await statusOf(url, { connection: 'close', upgrade: '' }), 426)
  hasRoom = false
  t.is(await statusOf(url, {}), 503)
  hasRoom = true
  await until(async () => (await statusOf(url, {})) === 101, { limitMs }) // the one before is gone
  const held = await until(
    async () =>
      connectClient(url).then(
        (client) => client.begin() === undefined,
        () => false,
      ),
    {
      limitMs,
    },
  )
  t.is(held, undefined)
  t.is(await statusOf(url, {}), 503)
  await until(() => sessions.length === 1, { limitMs })
  for (let tries = 0; tries < 30; tries++) await statusOf(wrong, {})
  t.is(await statusOf(wrong, {}), 429)
})

test('a spool that is slow stops the client, and nothing piles up; then all of it comes', async (t) => {
  const { recorder, sessions } = createMemoryRecorder()
  const { url } = await startHook(t, recorder)
  const client = await connectClient(url)
  client.begin()
  await until(() => sessions.length === 1, { limitMs })
  const [session] = sessions
  session!.pendingBytes = 5 * 1024 * 1024
  const text = 'x'.repeat(256 * 1024)
  const count = 64
  for (let id = 1; id <= count; id++) client.event('o', id, 1, text)
  const received = () => session!.frames.reduce((sum, { data }) => sum + data.byteLength, 0)
  await until(() => client.ws.bufferedAmount > 1024 * 1024, { limitMs })
  t.true(received() < 4 * 1024 * 1024)
  session!.pendingBytes = 0
  session!.drained()
  client.exit(count + 1, 0)
  t.is((await client.closed).code, 1000)
  t.is(received(), count * text.length)
})

test('any address but loopback needs a certificate', async (t) => {
  const { recorder } = createMemoryRecorder()
  await t.throwsAsync(startHook(t, recorder, { host: '0.0.0.0' }), { code: 'BTZ_CONFIG_INVALID' })
})

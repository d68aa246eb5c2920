import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { type Sink, SinkUnavailable } from '#services/sinks/sink.ts'
import { freePort } from '#test/helpers/free-port.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { numbered, sampleEvent } from '../samples.ts'
import { makeCertificates } from './certificates.ts'
import { startReceiver } from './receiver.ts'
import { commands, gaps, sendAll, syslogSink } from './sending.ts'

const signal = () => AbortSignal.timeout(30_000)

realTest(test, ['rsyslogd'], 'rsyslog gets every event as a datagram', async (t) => {
  const receiver = await startReceiver(t, 'rsyslogd', { transport: 'udp' })
  const sink = await syslogSink(t, { port: receiver.port, transport: 'udp' })
  const events = commands(50)
  for (const event of events) {
    t.deepEqual(await sink.send([event], signal()), { taken: 1 })
    await until(async () => (await receiver.lines()).length >= event.seq, { limitMs: 30_000 })
  }
  t.deepEqual(gaps(await receiver.lines(), events.length), [])
})

for (const [program, framing] of [
  ['rsyslogd', 'octet-counting'],
  ['rsyslogd', 'newline'],
  ['syslog-ng', 'octet-counting'],
  ['syslog-ng', 'newline'],
] as const)
  realTest(test, [program], `${program} gets every event over TCP with ${framing}`, async (t) => {
    const receiver = await startReceiver(t, program, { transport: 'tcp', newlines: framing === 'newline' })
    const sink = await syslogSink(t, { port: receiver.port, transport: 'tcp', framing })
    await sendAll(sink, commands(1000))
    await sink.close()
    await until(async () => (await receiver.lines()).length >= 1000, { limitMs: 30_000 })
    t.deepEqual(gaps(await receiver.lines(), 1000), [])
  })

const refusal = (t: ExecutionContext, sink: Sink, message: RegExp) =>
  t.throwsAsync(sink.send(commands(1), signal()), { instanceOf: SinkUnavailable, message })

realTest(test, ['rsyslogd', 'openssl'], 'a receiver that cannot prove its name gets nothing', async (t) => {
  const certificates = makeCertificates(await temporaryFolder(t))
  const receiver = await startReceiver(t, 'rsyslogd', { transport: 'tls', certificates })
  const at = { port: receiver.port }
  await refusal(t, await syslogSink(t, { ...at, caFile: certificates.strangerCa }), /UNABLE_TO_VERIFY_LEAF_SIGNATURE/)
  await refusal(t, await syslogSink(t, at), /UNABLE_TO_VERIFY_LEAF_SIGNATURE/)
  const misnamed = { ...at, caFile: certificates.ca, serverName: 'siem.example' }
  await refusal(t, await syslogSink(t, misnamed), /ERR_TLS_CERT_ALTNAME_INVALID/)
  const named = await syslogSink(t, { ...at, caFile: certificates.ca, serverName: 'localhost' })
  t.deepEqual(await named.send(commands(1), signal()), { taken: 1 })
  t.is((await receiver.lines()).length, 1)
})

for (const program of ['rsyslogd', 'syslog-ng'] as const)
  realTest(
    test,
    [program, 'openssl'],
    `nothing counts as taken where ${program} refuses our certificate`,
    async (t) => {
      const certificates = makeCertificates(await temporaryFolder(t))
      const receiver = await startReceiver(t, program, { transport: 'tls', certificates, wantsClient: true })
      // With TLS 1.3 the refusal comes after the connection counts as made.
      await refusal(t, await syslogSink(t, { port: receiver.port, caFile: certificates.ca }), /./)
      t.deepEqual(await receiver.lines(), [])
    },
  )

test('a receiver that is not there is unavailable', async (t) => {
  const sink = await syslogSink(t, { port: await freePort(), transport: 'tcp' })
  await refusal(t, sink, /^tcp 127\.0\.0\.1:\d+: ECONNREFUSED$/)
})

/** A receiver of our own, for what a real one does not do on demand. */
const ownReceiver = async (t: ExecutionContext, onConnection: (socket: Socket) => void): Promise<number> => {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test('nothing counts as taken by a receiver that takes connections and reads nothing', async (t) => {
  const port = await ownReceiver(t, (socket) => socket.pause())
  const sink = await syslogSink(t, { port, transport: 'tcp', timeoutMs: 200 })
  await refusal(t, sink, /nothing for 2\d\d ms$/)
})

test('to be stopped ends the waiting for a receiver that reads nothing', async (t) => {
  const port = await ownReceiver(t, (socket) => socket.pause())
  const sink = await syslogSink(t, { port, transport: 'tcp', timeoutMs: 60_000 })
  const stop = new AbortController()
  const sending = t.throwsAsync(sink.send(commands(1), stop.signal), {
    instanceOf: SinkUnavailable,
    message: /stopped$/,
  })
  setTimeout(() => stop.abort(), 50)
  await sending
})

test('what was sent on a connection that broke is sent again without anything new to send', async (t) => {
  const received: string[] = []
  let connections = 0
  const port = await ownReceiver(t, (socket) => {
    connections += 1
    const breaks = connections === 2
    socket.once('data', () => breaks && socket.resetAndDestroy())
    if (!breaks) socket.on('data', (data) => received.push(data.toString())).on('end', () => socket.end())
  })
  const sink = await syslogSink(t, { port, transport: 'tcp', timeoutMs: 30_000 })
  const [first, second] = commands(2)
  t.deepEqual(await sink.send([first!], signal()), { taken: 1 })
  t.deepEqual(await sink.send([second!], signal()), { taken: 1 })
  await until(() => received.join('').includes('seq="2"'), { limitMs: 30_000 })
  await sink.close()
})

test('to close says how many messages may not have arrived', async (t) => {
  let connections = 0
  const port = await ownReceiver(t, (socket) => {
    connections += 1
    if (connections === 1) socket.resume().on('end', () => socket.end())
    else socket.once('data', () => socket.resetAndDestroy())
  })
  const sink = await syslogSink(t, { port, transport: 'tcp', timeoutMs: 5_000 })
  const [first, second] = commands(2)
  await sink.send([first!], signal())
  await sink.send([second!], signal())
  await t.throwsAsync(sink.close(), { instanceOf: SinkUnavailable, message: /1 messages may not have arrived$/ })
})

test('an event that is too large for the destination is refused, and those before it are taken', async (t) => {
  const received: string[] = []
  const port = await ownReceiver(t, (socket) =>
    socket.on('data', (data) => received.push(data.toString())).on('end', () => socket.end()),
  )
  const sink = await syslogSink(t, { port, transport: 'tcp', maxMessageBytes: 2048 })
  const detail = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`unknown${n}`, '\u0000'.repeat(100)]))
  const huge = numbered(sampleEvent('login', detail), 2)
  const [first, , third] = commands(3)
  const { taken, refused } = await sink.send([first!, huge, third!], signal())
  t.is(taken, 1)
  t.regex(refused?.reason ?? '', /^\d+ bytes, and shortened still more than the 2048 that this destination takes$/)
  t.regex(received.join(''), /seq="1"/)
  t.notRegex(received.join(''), /seq="[23]"/)
  t.deepEqual(await sink.send([third!], signal()), { taken: 1 })
})

test('a datagram to a port where nobody listens is unavailable once the machine has said so', async (t) => {
  const sink = await syslogSink(t, { port: await freePort(), transport: 'udp' })
  let refusal: unknown = null
  const isRefused = () =>
    sink.send(commands(1), signal()).then(
      () => false,
      (error: unknown) => {
        refusal = error
        return true
      },
    )
  await until(isRefused, { limitMs: 30_000 })
  t.true(refusal instanceof SinkUnavailable, String(refusal))
})

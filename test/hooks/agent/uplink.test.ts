import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { startHeartbeat } from '#hooks/agent/uplink/heartbeat.ts'
import { startUplink } from '#hooks/agent/uplink/uplink.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { createReceiverCarrier } from '#services/uplink/receiver-carrier.ts'
import { createReceiverClient } from '#services/uplink/receiver-client.ts'
import type { Rejected } from '#services/uplink/verdict.ts'
import { recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { configOf, endingOf, eventsOf, logTo, openCore, openingOf, output, silent, spooled } from './core.ts'

test.after.always(closeSharedCatalog)

/** A port that leads to the receiver until it is closed: cut connections included. */
const openDoor = async (t: ExecutionContext, url: string) => {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((socket) => {
    const inner = connect(Number(new URL(url).port), '127.0.0.1')
    for (const each of [socket, inner]) {
      sockets.add(each)
      each.on('error', () => {})
      each.on('close', () => socket.destroy() && inner.destroy())
    }
    socket.pipe(inner).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(close)
  return { port: (server.address() as AddressInfo).port, close }
}

const setUp = async (t: ExecutionContext, more: Partial<Config['uplink']> = {}, bastion = 'bastion-1') => {
  const data = await temporaryFolder(t)
  const config = { ...configOf(data, { batchMaxMs: 5 }), bastion: bastion as Config['bastion'] }
  config.uplink = { ...config.uplink, ...more }
  const core = await openCore(t, config)
  const rejected: Rejected[] = []
  return {
    ...core,
    data,
    config,
    rejected,
    endpoints: (httpPort: number) =>
      writeFile(join(data, 'endpoints.json'), JSON.stringify({ httpPort, sudoPort: 1, pid: 1, agentPid: 1 })),
    token: async (secret: string) => {
      await mkdir(join(data, 'agent'), { recursive: true })
      await writeFile(join(data, 'agent', 'token'), `${secret}\n`)
    },
    startUplink: (log: Logger = silent) => {
      const client = createReceiverClient(config)
      const uplink = startUplink({
        spool: core.spool,
        carrier: createReceiverCarrier(client),
        maxUploadBytes: config.uplink.maxUploadBytes,
        log,
        onRejected: (items) => rejected.push(...items),
        onDamage: () => {},
      })
      const heartbeat = startHeartbeat({
        client,
        everyMs: 10_000,
        log,
        beat: () => ({
          bastion: config.bastion,
          version: '0',
          keyId: core.identity.keyId,
          publicKey: Buffer.from(core.identity.publicKey).toString('base64'),
          openSessions: core.recorder.openSessions,
          spool: { usedBytes: core.spool.usedBytes, maxBytes: core.spool.maxBytes },
        }),
        onOrder: ({ sessionId, text }) => void core.recorder.terminate(sessionId, text),
        onSigningKey: () => {},
        onEvidence: () => {},
      })
      t.teardown(async () => {
        await heartbeat.close()
        await uplink.close(0)
        client.close()
      })
      return uplink
    },
    allAcknowledged: () =>
      until(() => core.spool.acknowledgedPosition === core.spool.durablePosition, { what: 'all acknowledged' }),
  }
}
type Agent = Awaited<ReturnType<typeof setUp>>

const recordSession = async (agent: Agent, frames: number): Promise<void> => {
  const session = await agent.recorder.open(openingOf())
  for (let index = 0; index < frames; index++) {
    session.frame(output(`frame ${index};`))
    if (index % 10 === 0) await until(() => session.pendingBytes === 0, { everyMs: 1 })
  }
  await session.end(endingOf())
  const isEnd = (event: Record<string, unknown>) =>
    event.kind === 'session_ended' && event.sessionId === session.sessionId
  await until(async () => (await eventsOf(agent)).some(isEnd))
}
const hexOf = (bodies: Uint8Array[]): string[] => bodies.map((body) => Buffer.from(body).toString('hex'))

test('what is spooled arrives on the bus in its order, byte for byte, and is acknowledged', async (t) => {
  const { url, bus, secrets } = await serveReceiver(t)
  const agent = await setUp(t, { url, maxUploadBytes: 3000 })
  await agent.token(secrets.bastion)
  agent.startUplink()
  await recordSession(agent, 100)
  await agent.allAcknowledged()
  const records = await spooled(agent)
  const batches = records.filter(({ type }) => type === 'batch').map(({ body }) => body)
  t.deepEqual(hexOf((await recordsOf(bus, 'session-frames')).map(({ value }) => value)), hexOf(batches))
  const sent = (await recordsOf(bus, 'session-events')).map(({ value }) => JSON.parse(Buffer.from(value).toString()))
  const events = records
    .filter(({ type }) => type === 'event')
    .map(({ body }) => JSON.parse(Buffer.from(body).toString()))
  t.deepEqual(
    sent.map(({ receivedAt, ...event }) => event),
    events,
  )
  t.deepEqual(agent.rejected, [])
})

test('recording goes on without the receiver, and everything is sent when it is back on another port', async (t) => {
  const { url, bus, secrets } = await serveReceiver(t)
  const agent = await setUp(t)
  await agent.token(secrets.bastion)
  const first = await openDoor(t, url)
  await agent.endpoints(first.port)
  const uplink = agent.startUplink()
  await recordSession(agent, 20)
  await agent.allAcknowledged()
  first.close()
  await recordSession(agent, 20)
  t.true(agent.spool.acknowledgedPosition < agent.spool.durablePosition)
  await until(() => uplink.lagMs > 0)
  const second = await openDoor(t, url)
  await agent.endpoints(second.port)
  await agent.allAcknowledged()
  const batches = (await spooled(agent)).filter(({ type }) => type === 'batch').map(({ body }) => body)
  const received = hexOf((await recordsOf(bus, 'session-frames')).map(({ value }) => value))
  t.deepEqual([...new Set(received)], hexOf(batches))
})

test('what the receiver can never take is told and passed over', async (t) => {
  const { url, secrets } = await serveReceiver(t)
  const agent = await setUp(t, { url })
  await agent.token(secrets.bastion)
  const garbage = {
    type: 'batch' as const,
    sessionId: '019b0000-0000-7000-8000-000000000000',
    seq: 0,
    body: Buffer.from('garbage'),
  }
  await agent.spool.append({ hintBytes: 100, encode: () => garbage })
  await agent.spool.append({ hintBytes: 100, encode: () => ({ ...garbage, type: 'event', body: Buffer.from('{}') }) })
  const lines: string[] = []
  const uplink = agent.startUplink(logTo(lines))
  await recordSession(agent, 5)
  await agent.allAcknowledged()
  t.is(uplink.rejectedCount, 2)
  t.deepEqual(agent.rejected.map(({ record }) => record.type).sort(), ['batch', 'event'])
  t.true(lines.some((line) => line.includes('can never be taken')))
})

test('a token for another bastion gives nothing up: it is tried again, with the token that is there then', async (t) => {
  const { url, bus, secrets } = await serveReceiver(t)
  const agent = await setUp(t, { url }, 'bastion-2')
  await agent.token(secrets.bastion)
  const session = await agent.recorder.open(openingOf())
  session.frame(output('kept'))
  const lines: string[] = []
  agent.startUplink(logTo(lines))
  await until(() => lines.some((line) => line.includes('not delivered')))
  t.is(agent.spool.acknowledgedPosition, 0)
  t.deepEqual(agent.rejected, [])
  await agent.token(secrets.admin)
  await session.end(endingOf())
  await agent.allAcknowledged()
  t.is(
    (await recordsOf(bus, 'session-frames')).length,
    (await spooled(agent)).filter(({ type }) => type === 'batch').length,
  )
})

test('an order to end a session reaches its source at once, every time', async (t) => {
  const { url, secrets, heartbeats, orders } = await serveReceiver(t)
  const agent = await setUp(t, { url })
  await agent.token(secrets.bastion)
  agent.startUplink()
  for (const text of ['first order', 'second order']) {
    const session = await agent.recorder.open(openingOf())
    const aborts: string[] = []
    session.onAbort((said) => aborts.push(said))
    await until(async () => (await heartbeats.lastMs('bastion-1')) !== null)
    const orderedMs = performance.now()
    await orders.terminate({ bastion: 'bastion-1', sessionId: session.sessionId, text })
    await until(() => aborts.length > 0, { everyMs: 5 })
    t.true(performance.now() - orderedMs < 1000)
    t.deepEqual(aborts, [text])
    await session.end(endingOf({ reason: 'aborted' }))
  }
})

/** A server that is no receiver. */
const serve = async (t: ExecutionContext, listener: RequestListener): Promise<string> => {
  const server = createHttpServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('Retry-After is honoured (a small server of the test answers 429)', async (t) => {
  const timesMs: number[] = []
  const url = await serve(t, (request, response) => {
    request.resume()
    if (request.method === 'POST') timesMs.push(performance.now())
    response.writeHead(429, { 'retry-after': '1' }).end()
  })
  const agent = await setUp(t, { url })
  await agent.token('any')
  agent.startUplink()
  await agent.recorder.open(openingOf())
  await until(() => timesMs.length >= 2)
  t.true(timesMs[1]! - timesMs[0]! >= 950)
})

test('an answer that does not say of every batch that it is durable acknowledges nothing (a small server of the test)', async (t) => {
  let calls = 0
  const url = await serve(t, (request, response) => {
    request.resume()
    const answer = request.url!.endsWith('events')
      ? { accepted: 1, duplicates: 0, rejected: [] }
      : { sessions: [], rejected: [] }
    calls += 1
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  const agent = await setUp(t, { url })
  await agent.token('any')
  agent.startUplink()
  await agent.recorder.open(openingOf())
  await until(() => calls >= 4)
  t.is(agent.spool.acknowledgedPosition, 0)
})

test('an upload that is too large is sent in parts (a small server of the test takes 2 KB)', async (t) => {
  let taken = 0
  const url = await serve(t, async (request, response) => {
    let bytes = 0
    let lines = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength
      lines += chunk.filter((byte) => byte === 0x0a).length
    }
    if (bytes > 2000) return void response.writeHead(413).end()
    taken += lines
    response.writeHead(200).end(JSON.stringify({ accepted: lines, duplicates: 0, rejected: [] }))
  })
  const agent = await setUp(t, { url })
  await agent.token('any')
  const at = new Date().toISOString()
  await Promise.all(
    Array.from({ length: 50 }, (_, seq) =>
      agent.recorder.event({ kind: 'recorder_health', at, source: 'test', status: 'ok', detail: `event ${seq}` }),
    ),
  )
  agent.startUplink()
  await agent.allAcknowledged()
  t.is(taken, 50)
  t.deepEqual(agent.rejected, [])
})

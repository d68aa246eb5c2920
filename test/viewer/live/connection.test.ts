import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { WebSocket, WebSocketServer } from 'ws'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import { createAlisPlayer } from '#test/helpers/alis-player.ts'
import { recordedSession, shown } from '#test/helpers/recorded-session.ts'
import { until } from '#test/helpers/until.ts'
import { serveViewer } from '#viewer/live/connection.ts'
import { liveLimits } from '#viewer/live/limits.ts'
import { createLiveSession } from '#viewer/live/live-session.ts'

const limit = { limitMs: 30_000 }

/** Both ends of one connection over loopback. */
const connected = async (t: ExecutionContext) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  t.teardown(() => server.close())
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(() => client.terminate())
  const [[served]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [[WebSocket], unknown]
  return { client, served }
}

test('who takes less than comes is not buffered without end: it gets the screen as it is, and is told', async (t) => {
  const { client, served } = await connected(t)
  const player = createAlisPlayer()
  client.on('message', (data) => player.take(data as Buffer))
  const live = createLiveSession({
    reset: { timeUs: 0, steps: [{ cols: 80, rows: 24, sequence: '' }] },
    nextSeq: 0,
    openCharacters: {},
  })
  const connection = serveViewer(served, () => live.rejoin(connection))
  live.join(connection)
  await until(() => player.seen.resets.length === 1, limit)
  client.pause()
  const recorded = recordedSession()
  const flood = shown(`${'x'.repeat(79)}\r\n`.repeat(2_000))
  live.take(decodeBatchHeader(recorded.first()), 0)
  let [batches, mostBytes] = [0, 0]
  for (; batches < 500 && served.bufferedAmount <= liveLimits.outstandingBytes; batches++) {
    live.take(decodeBatchHeader(recorded.next(flood)), 0)
    await new Promise(setImmediate)
  }
  for (let more = 0; more < 20; more++) {
    live.take(decodeBatchHeader(recorded.next(flood)), 0)
    mostBytes = Math.max(mostBytes, served.bufferedAmount)
  }
  t.true(mostBytes > liveLimits.outstandingBytes)
  t.true(mostBytes < liveLimits.outstandingBytes + 2 * flood.data.byteLength)
  live.take(decodeBatchHeader(recorded.next(shown('\x1b[2J\x1b[Hnow'))), 0)
  client.resume()
  await until(() => player.seen.resets.length === 2, limit)
  await until(() => player.seen.markers.length === 1, limit)
  t.deepEqual(player.seen.markers, ['skipped: this connection is slower than the session'])
  t.is(player.seen.terminal().memory.rowText(0).trimEnd(), 'now')
  live.take(decodeBatchHeader(recorded.next(shown(' and on'))), 0)
  await until(() => player.seen.terminal().memory.rowText(0).trimEnd() === 'now and on', limit)
})

test('a viewer that speaks is sent away', async (t) => {
  const { client, served } = await connected(t)
  const connection = serveViewer(served, () => {})
  client.send('hello')
  const [code] = (await once(client, 'close')) as [number]
  t.is(code, 4003)
  await connection.closed
})

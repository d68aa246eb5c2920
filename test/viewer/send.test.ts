import { once } from 'node:events'
import { createServer, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import test, { type ExecutionContext } from 'ava'
import { cutWhenStuck } from '#viewer/routes/send.ts'

const stuckMs = 100

const askedOf = async (t: ExecutionContext, listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return request({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false })
}

test('an answer whose reader takes nothing is ended', async (t) => {
  t.timeout(60_000)
  const ended = Promise.withResolvers<unknown>()
  const client = await askedOf(t, (_, response) => {
    cutWhenStuck(response, stuckMs)
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(256 * 1024)
      })(),
    )
    pipeline(endless, response).then(() => ended.resolve(null), ended.resolve)
  })
  client.on('error', () => {})
  client.on('response', (answer) => answer.on('error', () => {})) // and never reads
  client.end()
  t.like(await ended.promise, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
})

test('an answer that has nothing to send for a while is not', async (t) => {
  t.timeout(60_000)
  const client = await askedOf(t, (_, response) => {
    cutWhenStuck(response, stuckMs)
    response.write('first')
    response.once('timeout', () => response.end(' and last'))
  })
  client.end()
  const [answer] = await once(client, 'response')
  const text = (await Array.fromAsync(answer as AsyncIterable<Buffer>)).map(String).join('')
  t.is(text, 'first and last')
})

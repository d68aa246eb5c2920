import { once } from 'node:events'
import { createRequire } from 'node:module'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import '#services/bus/kafka-client.ts' // mends the library's connections
import { onServices } from '#test/helpers/cluster.ts'
import { until } from '#test/helpers/until.ts'

type Connection = {
  connect(): Promise<boolean>
  disconnect(): Promise<boolean>
  isConnected(): boolean
  send(protocol: object): Promise<{ apiVersions: object[] }>
}
const require = createRequire(import.meta.url)
const Connection = require('kafkajs/src/network/connection') as new (options: object) => Connection
const { protocol } = require('kafkajs/src/protocol/requests/apiVersions') as {
  protocol(wanted: { version: number }): () => object
}
const question = protocol({ version: 0 })
const patient = { limitMs: 30_000 }
const nothing = () => {}
const logger = { namespace: () => ({ debug: nothing, info: nothing, warn: nothing, error: nothing }) }

/** A way to a broker: `answers` says what becomes of what it answers. */
const linkTo = async (t: ExecutionContext, broker: string, requestTimeout = 30_000) => {
  const [host, port] = broker.split(':') as [string, string]
  const open = new Set<Socket>()
  const state = { answers: 'pass' as 'pass' | 'cut' | 'lose', opened: 0, open }
  const server = createServer((near) => {
    const far = connect(Number(port), host)
    state.opened++
    open.add(near)
    near.on('data', (data: Buffer) => far.write(data))
    far.on('data', (data: Buffer) => {
      if (state.answers === 'pass') near.write(data)
      if (state.answers === 'cut') near.end(data.subarray(0, 10))
    })
    for (const socket of [near, far]) {
      socket.on('error', nothing)
      socket.once('close', () => {
        open.delete(near)
        near.destroy()
        far.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const options = { host: '127.0.0.1', port: (server.address() as AddressInfo).port, logger, connectionTimeout: 30_000 }
  const socketFactory = ({ onConnect }: { onConnect(): void }) => connect({ port: options.port }, onConnect)
  const connection = new Connection({ ...options, requestTimeout, socketFactory })
  t.teardown(async () => {
    await connection.disconnect()
    for (const socket of open) socket.destroy()
    server.close()
  })
  return { state, connection }
}

onServices(test, ({ kafka: { brokers } }) => {
  test('two callers open one socket, and it is closed as a whole', async (t) => {
    const { state, connection } = await linkTo(t, brokers[0]!)
    await Promise.all([connection.connect(), connection.connect()])
    t.true((await connection.send(question())).apiVersions.length > 0)
    t.is(state.opened, 1)
    await Promise.all([connection.disconnect(), connection.disconnect()])
    await until(() => state.open.size === 0, { ...patient, what: 'every socket closed' })
  })

  test('an answer that was cut off in the middle is not taken for the beginning of the next one', async (t) => {
    const { state, connection } = await linkTo(t, brokers[0]!)
    await connection.connect()
    state.answers = 'cut'
    await t.throwsAsync(connection.send(question()))
    await until(() => !connection.isConnected(), patient)
    state.answers = 'pass'
    for (let again = 0; again < 3; again++) {
      await connection.connect()
      t.true((await connection.send(question())).apiVersions.length > 0)
    }
    t.is(state.opened, 2)
  })

  test('a peer that does not answer in time is asked over another connection', async (t) => {
    const { state, connection } = await linkTo(t, brokers[0]!, 500)
    await connection.connect()
    state.answers = 'lose'
    await t.throwsAsync(connection.send(question()), { name: 'KafkaJSConnectionError', message: /timed out/ })
    await until(() => !connection.isConnected(), patient)
    state.answers = 'pass'
    const isAnswered = async (): Promise<boolean> => {
      await connection.connect()
      const answer = await connection.send(question()).catch(() => null)
      return answer !== null && answer.apiVersions.length > 0
    }
    await until(isAnswered, patient)
    t.true(state.opened > 1)
  })
})

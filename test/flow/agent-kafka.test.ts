import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import { aclEntries, kafkaAcls } from '#services/bus/kafka-acls.ts'
import { createKafkaClient } from '#services/bus/kafka-client.ts'
import { createKafkaProducer } from '#services/bus/kafka-producer.ts'
import { loadConfig } from '#services/config.ts'
import { onServices, type Services } from '#test/helpers/cluster.ts'
import { clusterEnv } from '#test/helpers/cluster-product.ts'
import { type Product, startProduct, untilSealed } from '#test/helpers/running.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { assertRecorded, recordedOutput, startStream, totalBytes } from '#test/helpers/streams.ts'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { startAgentChild } from '#test/hooks/agent/child.ts'
import { type Kafka, startKafka } from '../../scripts/engines/kafka.ts'

const bastion = 'kafka-bastion'
const agentUser = { username: 'agent', password: 'secret-of-the-agent' }
const log = pino({ level: 'silent' })

const credentials = async (folder: string, user: { username: string; password: string }) => {
  const passwordFile = join(folder, `${user.username}.password`)
  await mkdir(folder, { recursive: true })
  await writeFile(passwordFile, user.password, { mode: 0o600 })
  return { BARTIZAN_KAFKA_USERNAME: user.username, BARTIZAN_KAFKA_PASSWORD_FILE: passwordFile }
}

/** The product on a broker where an agent may write two topics, and an agent of another host that does. */
const started = async (t: ExecutionContext, services: Services, kafka: Kafka) => {
  const data = await temporaryFolder(t)
  const env: Record<string, string> = {
    ...(await clusterEnv(data, { ...services, kafka })),
    ...(await credentials(data, kafka.adminUser!)),
    BARTIZAN_INGEST_BLOCK_MAX_MS: '2000',
    BARTIZAN_LOG_LEVEL: 'silent',
  }
  const product = await startProduct(t, { data, env })
  const settings = loadConfig(undefined, env).kafka
  const admin = createKafkaClient(settings, log).admin()
  await admin.connect()
  await admin.createAcls({ acl: aclEntries(kafkaAcls('agent', settings), agentUser.username) })
  await admin.disconnect()

  const agentData = await temporaryFolder(t)
  const created = (await product.api('/api/tokens', {
    method: 'POST',
    body: JSON.stringify({ role: 'ingest', name: 'agent', bastion }),
  })) as { secret: string }
  await writeFile(join(agentData, 'token'), created.secret, { mode: 0o600 })
  const agentEnv = {
    BARTIZAN_BASTION: bastion,
    BARTIZAN_UPLINK_VIA: 'kafka',
    BARTIZAN_UPLINK_URL: `http://127.0.0.1:${product.endpoints.httpPort}`,
    BARTIZAN_UPLINK_TOKEN_FILE: join(agentData, 'token'),
    BARTIZAN_KAFKA_BROKERS: env.BARTIZAN_KAFKA_BROKERS!,
    BARTIZAN_KAFKA_TOPIC_PREFIX: env.BARTIZAN_KAFKA_TOPIC_PREFIX!,
    ...(await credentials(agentData, agentUser)),
  }
  const agent = await startAgentChild(t, agentData, agentEnv)
  return { product, agent, agentSettings: loadConfig(undefined, agentEnv).kafka }
}

/** The same session through an agent, as its source sends it. */
const record = async (port: number): Promise<string> => {
  const client = await connectSudoClient(port)
  client.accept(loginInfos())
  const logId = await client.logId()
  for (let frame = 0; frame < 50; frame++) {
    client.io('ttyoutBuf', `line ${frame}\r\n`, 2_000_000n)
    if (frame % 10 === 0) client.winsize(24 + frame, 80)
  }
  client.exit({ exitValue: 3 })
  await client.committed()
  return logId
}
type Event = { kind: string; bastion: string; detail?: string | null; status?: string; receivedAt?: string }
const eventsOf = async (product: Product, query: string): Promise<Event[]> =>
  ((await product.api(`/api/events?limit=200&${query}`)) as { items: Event[] }).items
const exported = async (product: Product, id: string): Promise<string> =>
  (await product.raw(`/api/sessions/${id}/export?format=ndjson`)).text()

onServices(test, (services) => {
  test.serial(
    'an agent that writes to Kafka itself leaves the evidence the receiver would have; a forger with its login leaves none',
    async (t) => {
      t.timeout(5 * 60_000)
      const kafka = await startKafka({
        folder: await temporaryFolder(t),
        brokers: 1,
        security: 'sasl',
        users: [agentUser],
      })
      t.teardown(kafka.stop)
      const { product, agent, agentSettings } = await started(t, services, kafka)

      const [through, straight] = [await record(product.endpoints.sudoPort), await record(agent.sudoPort)]
      for (const id of [through, straight]) await untilSealed(product, id)
      const frames = await exported(product, straight)
      t.is(frames.split('\n').filter(Boolean).length, 55)
      t.is(frames, await exported(product, through))
      t.like(await product.api(`/api/sessions/${straight}`), { bastion, exitCode: 3, state: 'complete' })
      const ofAgent = await eventsOf(product, `bastion=${bastion}`)
      t.true(['session_started', 'session_ended'].every((kind) => ofAgent.some((event) => event.kind === kind)))
      t.true(ofAgent.every(({ receivedAt }) => Math.abs(Date.parse(receivedAt ?? '') - Date.now()) < 300_000))
      t.false(ofAgent.some(({ status }) => status === 'tampered'))

      const forger = await createKafkaProducer({
        config: { ...agentSettings },
        topics: ['session-events'],
        maxRecordBytes: 1_000_000,
        log,
      })
      t.teardown(forger.close)
      const forged = { id: 'forged-event', kind: 'login', at: new Date().toISOString(), source: 'openssh' }
      const value = Buffer.from(JSON.stringify({ ...forged, bastion: 'test-bastion' }))
      await forger.produce([{ topic: 'session-events', key: 'test-bastion', value }])
      const told = async () =>
        (await eventsOf(product, 'bastion=test-bastion&kind=recorder_health')).some(
          ({ status, detail }) => status === 'tampered' && (detail ?? '').includes('carries no proof'),
        )
      await until(told, { limitMs: 30_000, what: 'the forger told of' })
      t.deepEqual(await eventsOf(product, 'bastion=test-bastion&kind=login'), [])

      const streams = await Promise.all([1, 2, 3].map((n) => startStream(agent.sudoPort, `user${n}`, seededRandom(n))))
      await until(() => streams.every(({ sent }) => totalBytes(sent) > 50_000))
      await kafka.kill(1, 'SIGKILL')
      const sentBefore = streams.map(({ sent }) => totalBytes(sent))
      const later = record(agent.sudoPort)
      await until(() => streams.every(({ sent }, n) => totalBytes(sent) > sentBefore[n]! + 150_000), {
        limitMs: 60_000,
      })
      await kafka.restart(1)
      for (const stream of streams) {
        await stream.stop()
        stream.client.exit()
        await stream.client.committed()
      }
      for (const id of [await later, ...streams.map(({ logId }) => logId)]) await untilSealed(product, id)
      t.is(await exported(product, await later), frames)
      for (const stream of streams) {
        await assertRecorded(t, product, stream)
        t.is((await recordedOutput(product, stream.logId)).byteLength, totalBytes(stream.sent))
      }
      const tampered = (await eventsOf(product, 'kind=recorder_health')).filter(({ status }) => status === 'tampered')
      t.is(tampered.length, 1, JSON.stringify(tampered))
      agent.child.kill('SIGTERM')
      t.is(await agent.exit, 0, agent.errors())
      t.is(await product.stop(), 0)
    },
  )
})

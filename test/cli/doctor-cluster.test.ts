import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Finding } from '#services/finding.ts'
import { onServices, ownName, type Services } from '#test/helpers/cluster.ts'
import { freePort } from '#test/helpers/free-port.ts'
import { bartizan } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const ask = async (t: ExecutionContext, env: NodeJS.ProcessEnv): Promise<Finding[]> => {
  const folder = await temporaryFolder(t)
  const secretFile = join(folder, 'secret')
  await writeFile(secretFile, env.S3_SECRET ?? 'some-secret', { mode: 0o600 })
  const run = bartizan(['doctor', '--json'], {
    BARTIZAN_DATA: join(folder, 'data'),
    BARTIZAN_HTTP_PORT: '0',
    BARTIZAN_BACKEND: 'cluster',
    BARTIZAN_S3_FORCE_PATH_STYLE: 'true',
    BARTIZAN_S3_ACCESS_KEY_ID: 'some-user',
    BARTIZAN_S3_SECRET_ACCESS_KEY_FILE: secretFile,
    ...Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('BARTIZAN_'))),
  })
  let json = ''
  run.child.stdout!.on('data', (data: Buffer) => {
    json += data.toString()
  })
  t.is(await run.exited, 1, run.output())
  return (JSON.parse(json) as { findings: Finding[] }).findings
}

const engineEnv = (port: number) => ({
  BARTIZAN_KAFKA_BROKERS: `127.0.0.1:${port}`,
  BARTIZAN_S3_ENDPOINT: `http://127.0.0.1:${port}`,
  BARTIZAN_ELASTICSEARCH_NODES: `http://127.0.0.1:${port}`,
})
const engines = ['kafka', 's3', 'elasticsearch']

test('engines that do not listen are named at once, each with its address', async (t) => {
  const port = await freePort()
  const findings = await ask(t, engineEnv(port))
  for (const engine of engines) {
    const finding = findings.find(({ check }) => check === `${engine} address`)
    t.false(finding?.ok)
    t.regex(finding!.detail, new RegExp(`127\\.0\\.0\\.1:${port}: .*ECONNREFUSED`))
    t.regex(finding!.fix!, new RegExp(`start ${engine}`))
  }
})

test('engines that take connections and then say nothing are findings, not a hang', async (t) => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const startedMs = performance.now()
  const findings = await ask(t, engineEnv((server.address() as AddressInfo).port))
  t.true(performance.now() - startedMs < 20_000)
  for (const engine of engines) {
    const finding = findings.find(({ check, ok }) => check.startsWith(engine) && !ok)
    t.truthy(finding?.fix, `${engine}: ${JSON.stringify(findings)}`)
  }
})

const sharedEnv = ({ kafka, s3, elasticsearch }: Services) => ({
  S3_SECRET: s3.secretAccessKey,
  BARTIZAN_KAFKA_BROKERS: kafka.brokers.join(','),
  BARTIZAN_KAFKA_TOPIC_PREFIX: `${ownName()}-`,
  BARTIZAN_KAFKA_REPLICATION_FACTOR: '1',
  BARTIZAN_S3_ENDPOINT: s3.endpoint,
  BARTIZAN_S3_ACCESS_KEY_ID: s3.accessKeyId,
  BARTIZAN_S3_BUCKET: ownName(),
  BARTIZAN_ELASTICSEARCH_NODES: elasticsearch.url,
  BARTIZAN_ELASTICSEARCH_INDEX_PREFIX: ownName(),
})

onServices(test, (services) => {
  test('a cluster that was never set up: missing topics, templates and bucket are named', async (t) => {
    const findings = await ask(t, sharedEnv(services))
    const wrong = findings.filter(({ ok }) => !ok)
    t.true(wrong.some(({ check, detail }) => check === 'kafka topic session-frames' && /does not exist/.test(detail)))
    t.true(wrong.some(({ check }) => check === 's3 bucket'))
    t.true(
      wrong.some(({ check }) => check.startsWith('elasticsearch')),
      JSON.stringify(findings),
    )
    for (const { check, fix } of wrong) t.truthy(fix, check)
    t.false(JSON.stringify(findings).includes(services.s3.secretAccessKey))
  })
})

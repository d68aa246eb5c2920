import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { createS3RecordingStore } from '#services/recordings/s3-recording-store.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { clusterEnv } from '#test/helpers/cluster-product.ts'
import { failingProxy } from '#test/helpers/failing-proxy.ts'
import { type Product, startProduct } from '#test/helpers/running.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { assertRecorded, recordedOutput, type Stream, startStream, totalBytes } from '#test/helpers/streams.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { startElasticsearch } from '../../scripts/engines/elasticsearch.ts'

const outageMs = 60_000

/** A session that ends while the outage lasts. @returns its id, once its client was told that all of it is kept */
const shortSession = async (product: Product, name: string): Promise<Stream> => {
  const stream = await startStream(product.endpoints.sudoPort, name, seededRandom(7))
  await until(() => totalBytes(stream.sent) > 20_000)
  await stream.stop()
  stream.client.exit()
  await stream.client.committed()
  return stream
}

/** Records on the bus that the group has not done, as the product's own metrics say. */
const lagOf = async (product: Product, group: string): Promise<number> => {
  const text = await (await product.raw('/metrics')).text()
  const values = [...text.matchAll(new RegExp(`^bartizan_bus_lag_records\\{group="${group}[^}]*\\} (\\d+)`, 'gm'))]
  return values.reduce((sum, [, value]) => sum + Number(value), 0)
}

const isSealed = async (product: Product, { logId }: Stream): Promise<boolean> => {
  const response = await product.raw(`/api/sessions/${logId}`)
  return response.ok && ((await response.json()) as { evidence: string }).evidence === 'sealed'
}
const assertWhole = async (t: ExecutionContext, product: Product, stream: Stream): Promise<void> => {
  await assertRecorded(t, product, stream)
  t.is((await recordedOutput(product, stream.logId)).byteLength, totalBytes(stream.sent))
}
const rest = (sinceMs: number) => until(() => Date.now() - sinceMs >= outageMs, { limitMs: outageMs + 10_000 })

onServices(test, (services) => {
  test.serial(
    'Elasticsearch away, then S3 answering 503, a minute each: evidence waits for neither search nor is any lost',
    async (t) => {
      t.timeout(10 * 60_000)
      const elasticsearch = await startElasticsearch({ folder: await temporaryFolder(t) })
      t.teardown(elasticsearch.stop)
      const proxy = await failingProxy(t, services.s3.endpoint)
      const data = await temporaryFolder(t)
      const env = await clusterEnv(data, { ...services, elasticsearch, s3: { ...services.s3, endpoint: proxy.url } })
      const product = await startProduct(t, {
        data,
        env: { ...env, BARTIZAN_INGEST_BLOCK_MAX_MS: '2000', BARTIZAN_LOG_LEVEL: 'silent' },
      })
      const { s3, recordings } = loadConfig(undefined, env)
      const log = pino({ level: 'silent' })
      const store = await createS3RecordingStore({ config: s3, ...recordings, clock: systemClock, log })
      t.teardown(store.close)
      const longs = await Promise.all(
        [1, 2, 3].map((n) => startStream(product.endpoints.sudoPort, `long${n}`, seededRandom(n))),
      )
      const before = await shortSession(product, 'before')
      await until(() => isSealed(product, before), { limitMs: 60_000, what: 'the first session sealed' })

      await elasticsearch.kill('SIGKILL')
      let sinceMs = Date.now()
      const unsearched = await shortSession(product, 'unsearched')
      const prefix = `evidence/v1/${new Date().toISOString().slice(0, 10)}/${unsearched.logId}/`
      await until(async () => (await store.list(prefix, { limit: 10 })).some(({ key }) => key.includes('/manifest-')), {
        limitMs: 30_000,
        what: 'sealed evidence without search',
      })
      await until(async () => (await lagOf(product, 'indexer')) > 0, { limitMs: 30_000, what: 'the lag of the index' })
      await rest(sinceMs)
      await elasticsearch.restart()
      await until(() => isSealed(product, unsearched), { limitMs: 60_000, what: 'the row of that session' })

      proxy.fail(true)
      sinceMs = Date.now()
      const unstored = await shortSession(product, 'unstored')
      await until(async () => (await lagOf(product, 'recorder')) > 0, {
        limitMs: 30_000,
        what: 'the lag of the recorder',
      })
      await rest(sinceMs)
      t.true(proxy.refused() > 0)
      proxy.fail(false)
      for (const stream of longs) {
        await stream.stop()
        stream.client.exit()
        await stream.client.committed()
      }
      const all = [before, unsearched, unstored, ...longs]
      await until(async () => (await Promise.all(all.map((stream) => isSealed(product, stream)))).every(Boolean), {
        limitMs: 90_000,
        everyMs: 500,
        what: 'all sessions sealed',
      })
      for (const stream of all) await assertWhole(t, product, stream)
      t.is(await product.stop(), 0)
    },
  )
})

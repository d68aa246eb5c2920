import test, { type ExecutionContext } from 'ava'
import { keepWorker } from '#services/catalog/lasting-worker.ts'
import { createReaderPool } from '#services/catalog/reader-pool.ts'
import type { ReaderOperations } from '#services/catalog/sqlite-catalog-reader.ts'
import { systemClock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { startWorkerCalls } from '#services/worker-calls.ts'
import { until } from '#test/helpers/until.ts'

const log = createLogger('reader-pool', 'silent')
const file = new URL('../../helpers/wilful-reader.ts', import.meta.url)

/** A pool of one reader whose threads do what queries say; `starts` counts threads. */
const poolOfOne = async (t: ExecutionContext, limitMs: number) => {
  const count = { starts: 0 }
  const reader = await keepWorker(() => {
    count.starts++
    return startWorkerCalls<ReaderOperations>({ file, data: {}, what: 'the reader', maxPending: 1 })
  }, log)
  t.teardown(() => reader.close())
  return { pool: createReaderPool([reader], limitMs, systemClock), count }
}

test('a reader that does not stop at its time limit is ended, and another takes its place (with a reader made to hang)', async (t) => {
  const { pool, count } = await poolOfOne(t, 2_000)
  await t.throwsAsync(pool.run('session', 'stuck'), { code: 'BTZ_CATALOG_TIMEOUT' })
  // A thread takes its time to start where much else runs, and a query does not wait for it longer than for anything.
  const answered = async () => (await pool.run('session', 'next').catch(() => null)) !== null
  await until(answered, { limitMs: 60_000, what: 'another reader answers' })
  t.is(count.starts, 2)
})

test('a reader that dies fails its own query with the reason, and another takes its place (with a reader made to exit)', async (t) => {
  const { pool, count } = await poolOfOne(t, 20_000)
  const asked = ['exit', 'a', 'b'].map((what) => pool.run('session', what))
  await t.throwsAsync(asked[0]!, { code: 'BTZ_UNAVAILABLE', message: /exit code 3/ })
  t.deepEqual(await Promise.all(asked.slice(1)), ['a', 'b'] as never[])
  t.is(count.starts, 2)
})

test('a query that no reader is free for ends at its limit too, and takes no turn later (with a reader made to hang)', async (t) => {
  const { pool } = await poolOfOne(t, 1_000)
  const stuck = pool.run('session', 'stuck')
  const waiting = pool.run('session', 'waits')
  await t.throwsAsync(waiting, { code: 'BTZ_CATALOG_TIMEOUT' })
  await t.throwsAsync(stuck, { code: 'BTZ_CATALOG_TIMEOUT' })
})

import { hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { leafRecord } from '#services/proofs/leaf.ts'
import { realTest } from '#test/helpers/real.ts'
import { bartizan } from '#test/helpers/running.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { buildGoVerifier } from '#test/services/proofs/go-verifier.ts'
import { startContentPlace } from './content-place.ts'

const startPlace = async (t: Teardown) => {
  const place = await startContentPlace(t)
  const base = `http://127.0.0.1:${place.httpPort}/api/log`
  const auditor = await place.secretOf('auditor', 'auditor')
  const ask = (path: string, token = auditor) =>
    fetch(`${base}/${path}`, { headers: { authorization: `Bearer ${token}` } })

  /** Resolves to its manifest, when a checkpoint covers that. */
  const record = async (): Promise<{ key: string; bytes: Uint8Array; leafId: string }> => {
    const id = await place.record()
    const { recordings } = place.backends
    const all = await recordings.list('evidence/v1/2026-11-21/', { limit: 1_000 })
    const { key } = all.find(({ key }) => key.includes(`${id}/manifest-`))!
    const bytes = await recordings.get(key)
    const leafId = leafRecord('manifest', key, bytes).key
    const isInLog = async () => {
      await place.drain()
      return (await ask(`leaf/${leafId}`)).ok
    }
    await until(isInLog, { limitMs: 30_000, what: 'in the log' })
    return { key, bytes, leafId }
  }
  return { ask, base, auditor, record, secretOf: place.secretOf, data: place.data }
}

realTest(
  test,
  ['go'],
  "Go's note and tlog follow the served log from session to session, and find each manifest in it",
  async (t) => {
    const { ask, base, auditor, record, data } = await startPlace(t)
    const verify = await buildGoVerifier(t)
    const first = await record()
    const key = (await (await ask('key')).text()).trim()
    const older = join(await temporaryFolder(t), 'older')
    await writeFile(older, await (await ask('checkpoint')).text())
    const manifests = [first, await record(), await record()]
    const found = (await verify(['-log', base, '-token', auditor, '-key', key, '-older', older])) as {
      entries: string[]
    }
    t.deepEqual(
      found.entries.map((entry) => JSON.parse(entry)),
      manifests.map(({ key, bytes }) => ({ v: 1, kind: 'manifest', key, sha256: hash('sha256', bytes, 'hex') })),
    )
    for (const [index, { leafId }] of manifests.entries())
      t.deepEqual(await (await ask(`leaf/${leafId}`)).json(), { index })
    const run = bartizan(['config', '--log-key'], { BARTIZAN_DATA: data })
    t.is(await run.exited, 0)
    t.is(run.output().trim(), key)
  },
)

test('the log is served with the types of C2SP to who may read it, and names nothing that is not there', async (t) => {
  const { ask, record, secretOf } = await startPlace(t)
  t.is((await ask('checkpoint')).status, 404)
  const { leafId } = await record()
  const checkpoint = await ask('checkpoint')
  t.is(checkpoint.headers.get('content-type'), 'text/plain; charset=utf-8')
  t.is(checkpoint.headers.get('cache-control'), 'no-cache')
  const tile = await ask('tile/0/000.p/1')
  t.is(tile.headers.get('content-type'), 'application/octet-stream')
  t.regex(tile.headers.get('cache-control') ?? '', /immutable/)
  t.is(Buffer.from(await tile.arrayBuffer()).toString('hex'), leafId)
  const absent = ['tile/0/000', 'tile/0/0', 'tile/0/..%2f000.p/1', 'tile/1/000.p/1', `leaf/${'0'.repeat(64)}`]
  for (const path of absent) t.is((await ask(path)).status, 404, path)
  t.is((await ask('leaf/x')).status, 400)
  t.is((await ask('checkpoint', await secretOf('oncall', 'oncall'))).status, 403)
  t.is((await ask('checkpoint', 'nobody')).status, 401)
})

import { hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Registry } from 'prom-client'
import { embedded } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { leafRecord } from '#services/proofs/leaf.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { realTest } from '#test/helpers/real.ts'
import { recordedSession, shown } from '#test/helpers/recorded-session.ts'
import { bartizan } from '#test/helpers/running.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { buildGoVerifier } from '#test/services/proofs/go-verifier.ts'
import { openAccess } from '../../cli/access.ts'
import { serve } from '../../cli/serve.ts'
import { ingestStage, viewerStage } from '../../cli/stages.ts'

/** Ingest and viewer on the real back ends of one folder. */
const startPlace = async (t: Teardown) => {
  const log = createLogger('log-test', 'silent')
  const data = join(await temporaryFolder(t), 'data')
  const config = Config.parse({ data, bastion: 'jump1', http: { port: 0 } })
  const backends = await embedded(config, systemClock, log)
  const shared = { config, backends, clock: systemClock, log, registry: new Registry(), ready: () => true }
  const options = { ...shared, access: openAccess(shared) }
  const ingest = await ingestStage(options)
  const viewer = viewerStage(options, () => 'http://localhost')
  const served = await serve(config, log, [viewer.router])
  t.teardown(async () => {
    served.close()
    await Promise.all([viewer.close(), ingest.close()])
    await backends.close()
  })
  const base = `http://127.0.0.1:${served.httpPort}/api/log`
  const tokenOf = async (role: 'auditor' | 'oncall') =>
    (await options.access.tokens.create({ role, name: role, actor: 'test' })).secret
  const auditor = await tokenOf('auditor')
  const ask = (path: string, token = auditor) =>
    fetch(`${base}/${path}`, { headers: { authorization: `Bearer ${token}` } })

  /** Resolves to its manifest, when a checkpoint covers that. */
  const record = async (): Promise<{ key: string; bytes: Uint8Array; leafId: string }> => {
    const session = recordedSession()
    const batches = [session.first(shown('$ ')), session.end(EndReason.EXIT)]
    const topic = 'session-frames' as const
    await backends.bus.produce(batches.map((value) => ({ topic, key: session.sessionId, value })))
    const manifestOf = async () => {
      await ingest.drain()
      const all = await backends.recordings.list('evidence/v1/2026-11-21/', { limit: 1_000 })
      return all.find(({ key }) => key.includes(`${session.sessionId}/manifest-`))
    }
    await until(async () => (await manifestOf()) !== undefined, { limitMs: 30_000, what: 'sealed' })
    const { key } = (await manifestOf())!
    const bytes = await backends.recordings.get(key)
    const leafId = leafRecord('manifest', key, bytes).key
    await until(
      async () => {
        await ingest.drain()
        return (await ask(`leaf/${leafId}`)).ok
      },
      { limitMs: 30_000, what: 'in the log' },
    )
    return { key, bytes, leafId }
  }
  return { ask, base, auditor, record, tokenOf, data }
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
  const { ask, record, tokenOf } = await startPlace(t)
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
  t.is((await ask('checkpoint', await tokenOf('oncall'))).status, 403)
  t.is((await ask('checkpoint', 'nobody')).status, 401)
})

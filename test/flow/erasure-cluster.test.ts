import test from 'ava'
import { systemClock } from '#services/clock.ts'
import { createCustody } from '#services/custody/custody.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { nameOf } from '#test/helpers/cluster-product.ts'
import { filesHolding } from '#test/helpers/secret-search.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { markers, openErasurePlace } from './erasure-place.ts'

const reason = { reason: 'the law wants it forgotten' }

onServices(test, (services) => {
  test('on a cluster no index holds anything of an erased session, and it is erasing as long as the bus has it', async (t) => {
    const place = await openErasurePlace(await temporaryFolder(t), services)
    t.teardown(place.close)
    const { backends, data, ask, config } = place
    const documents = async () => {
      const url = `${services.elasticsearch.url}/${nameOf(data)}*`
      await fetch(`${url}/_refresh`, { method: 'POST' })
      return (await fetch(`${url}/_search?size=10000`)).text()
    }
    const sessionId = await place.record()
    const before = await documents()
    t.true(before.includes(markers[0]) && before.includes(markers[3]))
    const asked = await ask('carol', 'custodian', `/api/sessions/${sessionId}/erasure`, reason)
    t.is(
      (await ask('dora', 'auditor', `/api/approvals/${asked.body.id}`, { decision: 'approved', ...reason })).status,
      200,
    )
    const custody = createCustody({ state: backends.state, clock: systemClock })
    const erasureOf = async () => (await custody.get(sessionId))?.erasure
    await until(async () => (await erasureOf())?.appliedAt != null, { limitMs: 120_000, what: 'applied' })
    t.like(await backends.catalog.session(sessionId), { evidence: 'erasing', argv: [], commandCount: 0 })
    const erasure = await erasureOf()
    t.true(erasure?.act?.kind === 'erasure' && Date.parse(erasure.act.until) > Date.now() + config.bus.retentionMs / 2)
    t.like(await ask('olga', 'analyst', `/api/sessions/${sessionId}/export?format=ndjson`), {
      status: 410,
      body: { code: 'BTZ_ERASED' },
    })
    const after = await documents()
    for (const marker of markers) t.false(after.includes(marker), marker)
    await place.close()
    for (const marker of markers) t.deepEqual(await filesHolding(data, marker), [], marker)
  })
})

import test from 'ava'
import { systemClock } from '#services/clock.ts'
import { actsPrefix, openAct } from '#services/custody/act-format.ts'
import { createCustody } from '#services/custody/custody.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { evidenceHolding, filesHolding } from '#test/helpers/secret-search.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { markers, openErasurePlace } from './erasure-place.ts'

const reason = { reason: 'the law wants it forgotten' }

test('of an erased session nothing is found any more: not by our tools, and not in any file', async (t) => {
  const place = await openErasurePlace(await temporaryFolder(t))
  t.teardown(place.close)
  const { backends, data, ask } = place
  const { catalog, state } = backends
  const sessionId = await place.record()
  const alerts = async () => (await catalog.alerts({ sessionId, limit: 10 })).items
  const hasAlert = async () => {
    await place.drain()
    return (await alerts()).length > 0
  }
  await until(hasAlert, { limitMs: 60_000, what: 'an alert' })
  t.true(JSON.stringify(await alerts()).includes('qzwq7x'), 'the alert quotes what was started')
  for (const marker of markers)
    t.true((await filesHolding(data, marker)).length > 0, `${marker} stands somewhere before`)

  const hasViews = async () => {
    await place.drain()
    return (await backends.views.segments(sessionId)) !== null
  }
  await until(hasViews, { limitMs: 60_000, what: 'what stood on the screen' })

  const path = `/api/sessions/${sessionId}`
  const asked = await ask('carol', 'custodian', `${path}/erasure`, reason)
  t.like(asked, { status: 202, body: { action: 'erasure', state: 'open' } })
  const decision = { decision: 'approved', ...reason }
  t.is((await ask('carol', 'custodian', `/api/approvals/${asked.body.id}`, decision)).body.code, 'BTZ_SECOND_PERSON')
  t.is((await ask('dora', 'auditor', `/api/approvals/${asked.body.id}`, decision)).status, 200)
  const custody = createCustody({ state, clock: systemClock })
  await until(async () => (await custody.get(sessionId))?.erasure?.state === 'erased', {
    limitMs: 60_000,
    what: 'erased',
  })

  t.like(await catalog.session(sessionId), { evidence: 'erased', user: 'alice', argv: [], commandCount: 0 })
  t.is(await backends.views.segments(sessionId), null)
  t.is(await backends.views.screenProgress(sessionId), null)
  for (const content of ['/commands', '/replay/index.json', '/export?format=ndjson'])
    t.like(await ask('olga', 'analyst', path + content), { status: 410, body: { code: 'BTZ_ERASED' } }, content)
  t.is((await ask('carol', 'custodian', `${path}/erasure`, reason)).body.code, 'BTZ_NOT_ERASABLE')
  t.is((await ask('carol', 'custodian', `${path}/hold`, reason)).body.code, 'BTZ_ERASED')
  await t.throwsAsync(backends.keys.get(`session:${sessionId}`), { code: 'BTZ_KEY_DESTROYED' })
  const acts = await backends.recordings.list(actsPrefix(sessionId), { limit: 10 })
  const opened = await Promise.all(
    acts.map(async ({ key }) => openAct(await backends.recordings.get(key), verifierOf(backends.logKey))),
  )
  t.deepEqual(
    opened.map((act) => act.kind === 'erasure' && act.state),
    ['erasing', 'erased'],
  )
  t.deepEqual(
    opened[0]?.by.map(({ did, name }) => `${did} ${name}`),
    ['requested carol', 'approved dora'],
  )
  await place.drain()
  for (const marker of markers) t.deepEqual(await filesHolding(data, marker), [], `${marker}, while it runs`)

  const late = {
    id: 'late',
    at: new Date().toISOString(),
    kind: 'command',
    source: 'agent',
    bastion: 'jump1',
    sessionId,
  }
  const ran = { user: 'alice', argv: ['sudo', 'tee', '/etc/sudoers.d/qzwlate'], line: 'qzwlate', via: 'exec', atMs: 9 }
  const value = Buffer.from(JSON.stringify({ ...late, ...ran }))
  await backends.bus.produce([{ topic: 'session-events', key: 'jump1', value }])
  const said = async () => (await catalog.events({ sessionId, limit: 100 })).items
  await until(async () => (await said()).some(({ id }) => id === 'late'), { limitMs: 30_000, what: 'what came late' })
  await place.drain()
  t.false(JSON.stringify([await said(), await alerts()]).includes('qzwlate'), 'what comes late has no content either')
  t.is((await catalog.search({ query: wordsQuery('qzwlate'), in: ['events', 'commands'], limit: 10 })).total.value, 0)
  await place.close()
  for (const marker of markers) t.deepEqual(await filesHolding(data, marker), [], marker)
  for (const marker of markers) t.deepEqual(await evidenceHolding(data, marker), [], `${marker} in evidence`)
})

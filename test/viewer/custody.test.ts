import test from 'ava'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createCustodian } from '#ingest/custody/custodian.ts'
import { createApprovals } from '#services/approvals/approvals.ts'
import { systemClock } from '#services/clock.ts'
import { createCustody } from '#services/custody/custody.ts'
import { createFileHoldStore } from '#services/recordings/file-hold-store.ts'
import type { Role } from '#services/schema/access.ts'
import { prefixesOf } from '#services/verify/v0/verify-group.ts'
import type { Teardown } from '#test/helpers/temporary-folder.ts'
import { startContentPlace } from './content-place.ts'

type Answer = { code?: string; id?: string; holds?: unknown[] }

const start = async (t: Teardown) => {
  const place = await startContentPlace(t)
  const { backends, data } = place
  const holds = createFileHoldStore({ folder: data, immutable: false, recordings: backends.recordings })
  const custodian = createCustodian({
    ...{ ...backends, holds, clock: systemClock, log: pino({ level: 'silent' }), registry: new Registry() },
    custody: createCustody({ ...backends, clock: systemClock }),
    approvals: createApprovals({ ...backends, clock: systemClock }),
    acts: { ...backends, clock: systemClock, maxRetentionYears: 10 },
  })
  t.teardown(custodian.close)
  const sessionId = await place.record('alice')
  const ask = async (name: string, role: Role, path: string, body?: object) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const response = await place.as(name, role)(path.replace(':id', sessionId), init)
    return { status: response.status, body: (await response.json()) as Answer }
  }
  const heldKeys = async () => {
    const keys: string[] = []
    for (const prefix of prefixesOf(sessionId))
      for await (const key of holds.keys(prefix)) if (await holds.isHeld(key)) keys.push(key)
    return keys
  }
  return { ...place, custodian, sessionId, ask, heldKeys }
}

test('a hold is set by one person, lifted by two, and never by whose session it is', async (t) => {
  const { ask, custodian, heldKeys } = await start(t)
  const reason = { reason: 'a court asks' }
  t.is((await ask('alice', 'custodian', '/api/sessions/:id/hold', reason)).body.code, 'BTZ_OWN_SESSION')
  t.is((await ask('olga', 'analyst', '/api/sessions/:id/hold', reason)).status, 403)
  t.is((await ask('carol', 'custodian', '/api/sessions/:id/hold', {})).status, 400)
  t.is((await ask('carol', 'custodian', '/api/sessions/:id/hold/lift', reason)).status, 400, 'nothing is held')
  t.deepEqual((await ask('carol', 'custodian', '/api/sessions/:id/custody')).body.holds, [])

  t.is((await ask('carol', 'custodian', '/api/sessions/:id/hold', reason)).status, 201)
  await custodian.round()
  const { body: shown } = await ask('dora', 'auditor', '/api/sessions/:id/custody')
  t.like(shown, { held: true, holds: [{ reason: 'a court asks', by: { name: 'carol' }, lifted: null }] })
  t.false(JSON.stringify(shown).includes('nonce'), 'what keeps hashes from being guessed is not shown')
  t.true((await heldKeys()).length >= 2)

  const asked = await ask('carol', 'custodian', '/api/sessions/:id/hold/lift', { reason: 'the case is closed' })
  t.like(asked, { status: 202, body: { action: 'hold.lift', state: 'open' } })
  const decision = { decision: 'approved', reason: 'it is' }
  const path = `/api/approvals/${asked.body.id}`
  t.is((await ask('carol', 'custodian', path, decision)).body.code, 'BTZ_SECOND_PERSON')
  t.is((await ask('alice', 'auditor', path, decision)).body.code, 'BTZ_OWN_SESSION')
  await custodian.round()
  t.true((await heldKeys()).length >= 2, 'until somebody agrees')
  t.is((await ask('dora', 'auditor', path, decision)).status, 200)
  await custodian.round()
  t.deepEqual(await heldKeys(), [])
  const after = (await ask('carol', 'custodian', '/api/sessions/:id/custody')).body
  t.like(after, { held: false, holds: [{ lifted: { requestedBy: { name: 'carol' }, by: { name: 'dora' } } }] })
})

test('a retention is asked for within its bounds, and only made longer', async (t) => {
  const { ask, custodian, backends, sessionId } = await start(t)
  const inYears = (years: number) => new Date(Date.now() + years * 365.25 * 86_400_000).toISOString()
  const keep = (years: number, name = 'carol') =>
    ask(name, 'custodian', '/api/sessions/:id/retention', { until: inYears(years), reason: 'an audit' })
  t.is((await keep(-1)).status, 400)
  t.is((await keep(11)).body.code, 'BTZ_RETENTION_TOO_LONG')
  t.is((await keep(3, 'alice')).body.code, 'BTZ_OWN_SESSION')
  t.is((await keep(3)).status, 202)
  await custodian.round()
  t.is((await keep(2)).body.code, 'BTZ_STATE_CONFLICT')
  const blocks = await backends.catalog.blocks(sessionId)
  const stands = await backends.recordings.head(blocks[0]!.key)
  t.true((stands?.retainUntil?.getTime() ?? 0) > Date.parse(inYears(2.9)))
})

import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Registry } from 'prom-client'
import { createStatements } from '#ingest/ledger/daily-statements.ts'
import { createSilences } from '#services/agents/silences.ts'
import { embedded } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import { openStatement, statementHash } from '#services/coverage/statement-format.ts'
import { createLogger } from '#services/log.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { CoverageDay } from '#services/schema/coverage.ts'
import { listOf } from '#services/schema/session.ts'
import { ended, sessionRow, update } from '#test/contract/catalog-place.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { StatementInfo } from '#viewer/routes/statements.ts'
import { openAccess } from '../../cli/access.ts'
import { serve } from '../../cli/serve.ts'
import { viewerStage } from '../../cli/stages/viewer.ts'

const Days = listOf(CoverageDay)
const Statements = listOf(StatementInfo)
const day = 86_400

/** The viewer on real back ends: two bastions over three days, and an agent that was silent over one midnight. */
const place = async (t: ExecutionContext) => {
  const log = createLogger('viewer', 'silent')
  const config = Config.parse({ data: join(await temporaryFolder(t), 'data'), bastion: 'console', http: { port: 0 } })
  const backends = await embedded(config, systemClock, log)
  const { catalog } = backends
  const shared = { config, backends, clock: systemClock, log }
  const access = openAccess(shared)
  const stage = viewerStage(
    { ...shared, access, registry: new Registry(), ready: () => true },
    () => 'http://localhost',
  )
  const served = await serve(config, log, [stage.router])
  t.teardown(async () => {
    served.close()
    await stage.close()
    await backends.close()
  })
  await catalog.indexFrames(update(ended(sessionRow(0), 9), [0, 1]))
  await catalog.indexFrames(update(sessionRow(10), [0, 1]))
  await catalog.putUnrecorded([sessionRow(20, { recorded: false, state: 'missing' })], [])
  await catalog.indexFrames(update(ended(sessionRow(day, { bastion: 'bastion-2' }), day + 9), [0, 1]))
  const silences = createSilences(backends)
  await silences.begin('bastion-2', 0)
  await silences.end('bastion-2', Date.UTC(2026, 10, 22, 23, 59), Date.UTC(2026, 10, 23, 0, 2))

  const secretOf = async (role: 'auditor' | 'siem') =>
    (await access.tokens.create({ role, name: role, actor: 'test' })).secret
  const secrets = { auditor: await secretOf('auditor'), siem: await secretOf('siem') }
  const ask = (query: string, role: 'auditor' | 'siem' = 'auditor') =>
    fetch(`http://127.0.0.1:${served.httpPort}/api/coverage${query}`, {
      headers: { authorization: `Bearer ${secrets[role]}` },
    })
  const clock = { now: () => Date.UTC(2026, 10, 24, 1) }
  const statements = createStatements({ ...backends, silences, clock, maxRetentionYears: 10, log })
  return { ask, makeStatements: statements.makeDue, verifier: verifierOf(backends.logKey) }
}

test('a day says what was seen, what is whole and which gaps there are, also where nothing but silence is known', async (t) => {
  const { ask } = await place(t)
  const read = async (query: string) => Days.parse(await (await ask(query)).json())
  const { items, next, total } = await read('?from=2026-11-20&to=2026-11-24T00:00:00.000Z')
  const none = { missing: 0, truncated: 0, recorder_killed: 0, late: 0, tunnel_only: 0 }
  const expected = [
    { bastion: 'bastion-2', date: '2026-11-23', seen: 0, complete: 0, open: 0, gaps: none, agentSilentMs: 120_000 },
    { bastion: 'bastion-2', date: '2026-11-22', seen: 1, complete: 1, open: 0, gaps: none, agentSilentMs: 60_000 },
    {
      ...{ bastion: 'bastion-1', date: '2026-11-21', seen: 3, complete: 1, open: 1, agentSilentMs: 0 },
      gaps: { ...none, missing: 1 },
    },
  ]
  t.deepEqual(items, expected)
  t.is(next, null)
  t.deepEqual(total, { value: 3, relation: 'eq' })

  const paged: CoverageDay[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await read(
      `?from=2026-11-20&to=2026-11-23&limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    paged.push(...page.items)
    cursor = page.next
  }
  t.deepEqual(paged, expected)
  t.deepEqual((await read('?from=2026-11-22&to=2026-11-22&bastion=bastion-2')).items, expected.slice(1, 2))
  t.deepEqual((await read('?from=2026-11-20&to=2026-11-23&bastion=bastion-1')).items, expected.slice(2))
})

test('a range is whole days in order, 366 at most, and not for everybody', async (t) => {
  const { ask } = await place(t)
  const status = async (query: string, role?: 'siem') => (await ask(query, role)).status
  t.is(await status(''), 200)
  t.is(await status('?from=2026-01-01&to=2027-01-01'), 200)
  t.is(await status('?from=2026-01-01&to=2027-01-02'), 400)
  t.is(await status('?from=2026-02-02&to=2026-02-01'), 400)
  t.is(await status('?from=yesterday'), 400)
  t.is(await status('?bastions=b'), 400)
  t.is(await status('?cursor=AAAA'), 400)
  t.is(await status('', 'siem'), 403)
})

test('statements of days are listed with their signed notes, page by page, by day and bastion', async (t) => {
  const { ask, makeStatements, verifier } = await place(t)
  await makeStatements()
  const read = async (query: string) => Statements.parse(await (await ask(`/statements${query}`)).json())
  const { items, next } = await read('?from=2026-11-20&to=2026-11-24')
  t.deepEqual(
    items.map(({ key }) => key.slice('evidence/v1/statements/'.length)),
    ['2026-11-21/bastion-1/0001', '2026-11-22/bastion-2/0001', '2026-11-23/bastion-2/0001'],
  )
  t.is(next, null)
  for (const { note, key, sha256, ...statement } of items) {
    t.deepEqual(openStatement(Buffer.from(note), verifier), statement)
    t.is(sha256, statementHash(Buffer.from(note)))
  }
  const first = await read('?from=2026-11-20&to=2026-11-24&limit=2')
  t.deepEqual(first.items, items.slice(0, 2))
  t.deepEqual((await read(`?from=2026-11-20&to=2026-11-24&cursor=${first.next}`)).items, items.slice(2))
  t.deepEqual((await read('?from=2026-11-22&to=2026-11-22')).items, items.slice(1, 2))
  t.deepEqual((await read('?from=2026-11-20&to=2026-11-24&bastion=bastion-1')).items, items.slice(0, 1))
  t.is((await ask('/statements', 'siem')).status, 403)
})

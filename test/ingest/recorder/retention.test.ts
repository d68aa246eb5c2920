import test, { type ExecutionContext } from 'ava'
import { sessionRetainUntil } from '#ingest/recorder/retention.ts'
import { createRetentionRules } from '#services/custody/retention-rules.ts'
import { frameWorkers } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'

test.after.always(closeSharedCatalog)

const dayMs = 86_400_000
const known = {
  namesOf: (name: string) => (name === 'asmith' ? ['alice'] : []),
  teamOf: (user: string) => (user === 'bob' ? 'database' : null),
  groupsOf: (host: string) => (host === 'jump1' ? ['exposed'] : []),
  labelsOf: (user: string, hosts: readonly string[]) => [
    ...(user === 'dora' ? ['auditor'] : []),
    ...(hosts.includes('pay-1') ? ['PCI'] : []),
  ],
}
const rules = createRetentionRules(
  [
    { match: { users: ['alice'] }, days: 1_000 },
    { match: { teams: ['database'] }, days: 2_000 },
    { match: { groups: ['exposed'] }, days: 500 },
    { match: { users: ['short'] }, days: 1 },
    { match: { labels: ['pci', 'secret'] }, days: 1_500 },
    { match: { labels: ['auditor'], teams: ['database'] }, days: 3_000 },
  ],
  known,
)

test('the longest of all rules that match counts, by name, team and group of hosts', (t) => {
  const days = (user: string, bastion = 'elsewhere', target: string | null = null) => rules({ user, bastion, target })
  t.is(days('alice'), 1_000)
  t.is(days('asmith'), 1_000, 'another name of hers')
  t.is(days('bob', 'jump1'), 2_000)
  t.is(days('carol', 'jump1'), 500)
  t.is(days('carol', 'elsewhere', 'jump1'), 500, 'where the session leads')
  t.is(days('carol'), 0)
})

test('a label of the user or of either host counts, together with what else a rule names', (t) => {
  const days = (user: string, bastion = 'elsewhere', target: string | null = null) => rules({ user, bastion, target })
  t.is(days('carol', 'pay-1'), 1_500)
  t.is(days('carol', 'elsewhere', 'pay-1'), 1_500)
  t.is(days('alice', 'pay-1'), 1_500, 'the longest')
  t.is(days('dora'), 0, 'labelled, and not of the team')
})

test('no rule makes a retention shorter than that of all evidence', (t) => {
  const clock = { now: () => Date.UTC(2026, 0, 31, 12) }
  const until = (user: string) =>
    sessionRetainUntil({ clock, retentionDays: 365, daysFor: rules }, { user, bastion: 'b', target: null })
  t.deepEqual(until('short'), until('carol'))
  t.true(until('alice') > until('carol'))
})

const start = async (t: ExecutionContext) => {
  const w = await frameWorkers(t)
  w.ctx.daysFor = rules
  const daysKept = async (sessionId: string) => {
    const objects = (await w.recordings.list('evidence/', { limit: 100 })).filter(({ key }) => key.includes(sessionId))
    return objects.map(({ retainUntil }) => Math.ceil((retainUntil!.getTime() - w.clock.now()) / dayMs))
  }
  return { ...w, daysKept }
}

test('a session that a rule matches is kept longer from its first block on', async (t) => {
  const { start: startWorker, clock, daysKept } = await start(t)
  const session = createSessionBatches({ atMs: clock.now() })
  const worker = startWorker()
  await worker.takeBatches(session.first(textFrame('a')))
  await worker.drain()
  t.deepEqual(await daysKept(session.sessionId), [1_001])
})

test('after a restart in between the seal still knows whose session it was, and extends what was put meanwhile', async (t) => {
  const { start: startWorker, clock, daysKept } = await start(t)
  const session = createSessionBatches({ atMs: clock.now() })
  const before = startWorker()
  await before.takeBatches(session.first(textFrame('a')))
  await before.drain()
  const after = startWorker()
  await after.takeBatches(session.next(textFrame('b')))
  await after.drain()
  t.deepEqual(await daysKept(session.sessionId), [1_001, 366])
  await after.takeBatches(session.end(textFrame('c')))
  clock.advance(2_000)
  await after.tick()
  await after.drain()
  t.deepEqual(await daysKept(session.sessionId), [1_001, 1_001, 1_001, 1_001])
})

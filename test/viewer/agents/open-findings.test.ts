import test from 'ava'
import { SessionEvent } from '#services/schema/session-event.ts'
import { findingsOf, openFindings } from '#viewer/agents/open-findings.ts'

let seconds = 0
const fact = (bastion: string, check: string, status: string, user?: string): SessionEvent => {
  seconds += 1
  const at = new Date(Date.UTC(2026, 2, 4, 5, 6, seconds)).toISOString()
  return SessionEvent.parse({
    id: `fact ${seconds}`,
    at,
    kind: 'posture',
    source: 'posture',
    bastion,
    check,
    status,
    user,
  })
}

test('what was said last of a check and person counts, each bastion by itself', (t) => {
  const said = [
    fact('b2', 'root-login', 'fail'),
    fact('b1', 'root-login', 'fail'),
    fact('b1', 'shared-account', 'warn', 'alice'),
    fact('b1', 'shared-account', 'warn', 'bob'),
    fact('b1', 'mfa-required', 'warn'),
    fact('b1', 'mfa-required', 'fail'),
    fact('b1', 'shared-account', 'ok', 'bob'),
    fact('b2', 'root-login', 'ok'),
  ]
  t.deepEqual(findingsOf(said.toReversed()), [
    { bastion: 'b1', fail: 2, warn: 1, lastAt: said[6]!.at },
    { bastion: 'b2', fail: 0, warn: 0, lastAt: said[7]!.at },
  ])
})

test('pages are counted together, and more of them than are read are said to be missing', async (t) => {
  const asked: (string | undefined)[] = []
  const pagesOf = (count: number) => ({
    events: async ({ cursor }: { cursor?: string }) => {
      asked.push(cursor)
      const page = Number(cursor ?? 0)
      const items = Array.from({ length: 1_000 }, (_, n) => fact('b1', `check ${page} ${n}`, 'warn'))
      const next = page + 1 < count ? `${page + 1}` : null
      return { items, next, total: { value: count * 1_000, relation: 'eq' as const } }
    },
  })
  const all = await openFindings(pagesOf(2), Date.UTC(2026, 2, 4))
  t.deepEqual([all.items[0]?.warn, all.complete, asked], [2_000, true, [undefined, '1']])
  const some = await openFindings(pagesOf(9), Date.UTC(2026, 2, 4))
  t.deepEqual([some.items[0]?.warn, some.complete], [5_000, false])
})

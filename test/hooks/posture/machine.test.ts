import test from 'ava'
import { factsOf } from '#hooks/posture/checks.ts'
import { readIptables } from '#hooks/posture/firewall/iptables.ts'
import { readNft } from '#hooks/posture/firewall/nft.ts'
import { compilersAmong } from '#hooks/posture/read/updates.ts'
import { type Status, seen } from '#hooks/posture/verdict.ts'
import type { View } from '#hooks/posture/view.ts'
import { dayMs, nowMs, viewOf } from './views.ts'

/** What the facts say of one check of the machine itself. */
const factOf = (check: string, parts: Partial<View>) => {
  const [fact, ...others] = factsOf(viewOf(parts)).filter((each) => each.check === check)
  if (fact === undefined || others.length > 0) throw new Error(`${others.length} more facts of ${check}`)
  return fact
}
const hourMs = dayMs / 24
const patch = { name: 'libssl3', version: '3.0.2-1' }
type Updates = { pending: (typeof patch)[]; listsAtMs: number | null; unattended: boolean }

const updates: [string, Updates, number | null, Status][] = [
  ['nothing waits', { pending: [], listsAtMs: nowMs, unattended: true }, null, 'ok'],
  ['seen for the first time', { pending: [patch], listsAtMs: nowMs, unattended: true }, null, 'ok'],
  ['for 23 hours', { pending: [patch], listsAtMs: nowMs, unattended: true }, nowMs - 23 * hourMs, 'ok'],
  ['for 25 hours', { pending: [patch], listsAtMs: nowMs, unattended: true }, nowMs - 25 * hourMs, 'fail'],
  [
    'named by lists of 25 hours ago',
    { pending: [patch], listsAtMs: nowMs - 25 * hourMs, unattended: true },
    null,
    'fail',
  ],
  ['nobody installs them', { pending: [], listsAtMs: nowMs, unattended: false }, null, 'warn'],
  ['lists of 8 days ago', { pending: [], listsAtMs: nowMs - 8 * dayMs, unattended: true }, null, 'warn'],
  ['no lists at all', { pending: [], listsAtMs: null, unattended: true }, null, 'warn'],
]
for (const [what, value, firstSeenMs, status] of updates)
  test(`security updates: ${what}`, (t) => {
    const fact = factOf('unattended-upgrades', {
      updates: seen(value),
      firstSeenMs: (name) => (name === 'update libssl3 3.0.2-1' ? firstSeenMs : null),
    })
    t.is(fact.status, status)
    t.is(fact.fix !== undefined, status !== 'ok')
    t.deepEqual(
      fact.detail.pending,
      value.pending.map(({ name }) => name),
    )
  })

test('compilers on the bastion are named, with how to be rid of them', (t) => {
  const found = compilersAmong(['bash', 'gcc-12', 'cc', 'sudo', 'x86_64-linux-gnu-gcc', 'ls'])
  t.true(found.includes('gcc-12') && !found.includes('bash'))
  const fact = factOf('compilers', { compilers: seen(found) })
  t.is(fact.status, 'warn')
  t.deepEqual(fact.detail.programs, found)
  t.regex(fact.fix ?? '', /apt-get purge/)
  t.like(factOf('compilers', {}), { status: 'ok' })
})

const closedNft =
  'table inet f {\n\tchain output {\n\t\ttype filter hook output priority filter; policy drop;\n\t}\n}\n'
const closed4 = '*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP [0:0]\nCOMMIT\n'
const egress: [string, View['firewall'], Status, string[]][] = [
  ['no rules', seen([]), 'warn', ['ipv4', 'ipv6']],
  ['both families closed by nftables', seen(readNft(closedNft)), 'ok', []],
  ['only IPv4 closed', seen(readIptables(closed4, 'ipv4')), 'warn', ['ipv6']],
  ['both closed by iptables', seen([...readIptables(closed4, 'ipv4'), ...readIptables(closed4, 'ipv6')]), 'ok', []],
]
for (const [what, firewall, status, open] of egress)
  test(`egress: ${what}`, (t) => {
    const fact = factOf('egress-restriction', { firewall })
    t.like(fact, { status, detail: { open } })
    t.is(fact.fix !== undefined, status !== 'ok')
  })

test('what could not be looked at is no good news', (t) => {
  const unseen = { ok: false, reason: 'not root' } as const
  for (const [check, part] of [
    ['unattended-upgrades', { updates: unseen }],
    ['compilers', { compilers: unseen }],
    ['egress-restriction', { firewall: unseen }],
  ] as const)
    t.not(factOf(check, part).status, 'ok', check)
})

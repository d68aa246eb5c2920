import test from 'ava'
import type { Alert } from '#services/schema/alert.ts'
import { startProduct } from '#test/helpers/running.ts'
import { until } from '#test/helpers/until.ts'

const hook = (listening: boolean, sinceMs: number) => ({
  ...{ name: 'sudo', listening, lastEventAt: null, lastError: listening ? null : 'EMFILE' },
  since: new Date(sinceMs).toISOString(),
})
/** What an agent says of itself → the alert about it. */
const troubles: { bastion: string; says: object; agoMs?: number; gap: string; title: RegExp; explanation: RegExp }[] = [
  {
    bastion: 'clock-1',
    says: { clockOffsetMs: 90_000 },
    gap: 'clock_off',
    title: /^clock-1: the clock is off$/,
    explanation: /ahead of the receiver.* Expected: clocks of bastion and receiver that agree/,
  },
  {
    bastion: 'spool-1',
    says: { spoolShare: 0.9, spoolOldestMs: 60_000 },
    gap: 'spool_filling',
    title: /^spool-1: the spool fills$/,
    explanation: /90 % full, the oldest waits for .* Expected: what is recorded is taken by the receiver/,
  },
  {
    bastion: 'hook-1',
    says: { hooks: [hook(false, Date.now() - 60_000)] },
    gap: 'hook_dead',
    title: /^hook-1: a hook hears nothing any more$/,
    explanation: /sudo does not listen: EMFILE.* Expected: every hook that was set up/,
  },
  {
    bastion: 'silent-1',
    says: {},
    agoMs: 25 * 60_000, // and nothing since
    gap: 'agent_silent',
    title: /^silent-1: the recorder's agent is silent$/,
    explanation: /a sign of life every 5 minutes/,
  },
]

test('an agent that is silent, whose clock is off, whose spool fills, whose hook is dead: each is an alert with its own words', async (t) => {
  t.timeout(3 * 60_000)
  const product = await startProduct(t)
  const nowMs = Date.now()
  const lines = troubles.map(({ bastion, says, agoMs = 0 }) =>
    JSON.stringify({
      ...{
        id: `health-of-${bastion}`,
        kind: 'recorder_health',
        at: new Date(nowMs - agoMs).toISOString(),
        bastion,
        source: 'agent',
      },
      ...{ status: 'ok', detail: 'well', ...says },
    }),
  )
  const sent = await product.raw('/api/ingest/events', { method: 'POST', body: lines.join('\n') })
  t.like(await sent.json(), { accepted: troubles.length, rejected: [] })
  const alerts = async () =>
    ((await product.api('/api/alerts?rule=recording-gap&limit=100')) as { items: Alert[] }).items
  const of = async (bastion: string, gap: string) =>
    (await alerts()).find((each) => each.bastion === bastion && each.gap === gap)
  for (const { bastion, gap, title, explanation } of troubles) {
    await until(async () => (await of(bastion, gap)) !== undefined, { limitMs: 90_000, what: gap })
    const alert = (await of(bastion, gap))!
    t.is(alert.status, 'open', gap)
    t.regex(alert.title, title)
    t.regex(alert.explanation, explanation)
  }
  t.is(await product.stop(), 0)
})

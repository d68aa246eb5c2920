import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { Alert, RuleId } from '#services/schema/alert.ts'
import type { Command, List } from '#services/schema/session.ts'
import { bartizan, type Product, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { createConnect, createFeeder, linesOf } from '../../scripts/demo/feed.ts'
import { type Day, planDays, type Visit } from '../../scripts/demo/plan.ts'
import { bastion, directory, memberOf } from '../../scripts/demo/team.ts'

const historyDays = 30
const alertsOf = async (product: Product): Promise<Alert[]> =>
  ((await product.api('/api/alerts?limit=500')) as List<Alert>).items.filter(({ severity }) => severity !== 'info')
const whose = (alerts: Alert[], rule: RuleId): (string | null)[] =>
  alerts.filter((alert) => alert.rule === rule).map(({ user, sourceIp }) => user ?? sourceIp)

/** Old lines of sshd alone: nobody recorded then. */
const historyLines = (days: Day[], connect: ReturnType<typeof createConnect>): string =>
  days
    .flatMap(({ visits }) => visits)
    .sort((a, b) => a.atMs - b.atMs)
    .map((visit) => {
      const { before, after } = linesOf(visit, connect)
      return before + after(120_000)
    })
    .join('')

test('after a month of imported history one bad day gives the alerts it should, and no other', async (t) => {
  t.timeout(10 * 60_000)
  const folder = await temporaryFolder(t)
  const [logFile, directoryFile, history] = ['sshd.log', 'directory.json', 'history.log'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  const connect = createConnect()
  const days = planDays(Date.now(), historyDays)
  await writeFile(logFile, '')
  await writeFile(directoryFile, JSON.stringify(directory))
  await writeFile(history, historyLines(days.slice(0, -1), connect))
  const product = await startProduct(t, {
    env: {
      BARTIZAN_BASTION: bastion,
      BARTIZAN_OPENSSH_LOG: logFile,
      BARTIZAN_DETECTORS_DIRECTORY_FILE: directoryFile,
      BARTIZAN_LOG_LEVEL: 'error',
    },
  })

  const imported = bartizan(['import', '--format', 'openssh', '--bastion', bastion, '--json', history], {
    BARTIZAN_DATA: product.data,
  })
  t.is(await imported.exited, 0, imported.output())
  const { events } = JSON.parse(imported.output()) as { events: Record<string, number> }
  const visits = days.slice(0, -1).flatMap((day) => day.visits)
  t.is(events.login, visits.length)
  await until(
    async () => ((await product.api('/api/events?kind=login&limit=1')) as List<unknown>).total.value >= visits.length,
    {
      limitMs: 60_000,
      what: 'the history is in',
    },
  )
  t.deepEqual(await alertsOf(product), [], 'history is no reason to wake anybody')

  const today = days.at(-1)!
  const stranger: Visit = {
    ...today.visits.find(({ member }) => member.user === 'nadia')!,
    member: { ...memberOf('nadia'), user: 'newcomer' },
    atMs: today.startMs + 3 * 3_600_000,
    ip: '203.0.113.99',
  }
  await createFeeder({ sudoPort: product.endpoints.sudoPort, logFile, connect }).day({
    ...today,
    visits: [...today.visits, stranger],
  })
  const expected: [RuleId, (string | null)[]][] = [
    ['off-hours-login', ['tom']],
    ['auth-failures', ['ana']],
    ['auth-success-after-failures', ['maria']],
    ['bulk-transfer', ['nadia']],
    ['privilege-escalation', ['joe']],
    ['recording-gap', ['tom']],
  ]
  await until(
    async () => {
      const alerts = await alertsOf(product)
      return (
        expected.every(([rule]) => alerts.some((alert) => alert.rule === rule)) &&
        alerts.some(({ user, rule }) => user === 'li' && rule === 'new-source-ip')
      )
    },
    { limitMs: 60_000, what: 'one alert of each kind' },
  ).catch(async (error: unknown) => {
    t.log(JSON.stringify(await alertsOf(product), null, 1))
    throw error
  })
  const alerts = await alertsOf(product)
  for (const [rule, users] of expected) t.deepEqual(whose(alerts, rule), users, rule)
  // Whoever guessed maria's password did it from an address that was new as well.
  t.deepEqual(whose(alerts, 'new-source-ip').sort(), ['li', 'maria'])
  const of = (rule: RuleId): Alert => alerts.find((alert) => alert.rule === rule)!
  t.is(of('auth-success-after-failures').count, 6)
  t.like(of('auth-failures'), { count: 120, sourceIp: '198.51.100.222' })
  t.is(of('recording-gap').gap, 'tunnel_only')

  const escalation = of('privilege-escalation')
  const { items } = (await product.api(`/api/sessions/${escalation.sessionId}/commands`)) as List<Command>
  const sudo = items.find(({ line }) => line.startsWith('sudo -i'))
  t.truthy(sudo, JSON.stringify(items))
  t.true(
    Math.abs(sudo!.atMs - escalation.atMs!) < 2_000,
    `the alert leads to ${escalation.atMs}, sudo was typed at ${sudo!.atMs}`,
  )
  t.is(await product.stop(), 0)
})

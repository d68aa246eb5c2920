import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Registry } from 'prom-client'
import { createDetectors } from '#detectors/detectors.ts'
import { createSshdLog } from '#hooks/openssh/sshd-log.ts'
import type { Bus } from '#services/bus/bus.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { log, newPlace, startDelivery } from '#test/delivery/place.ts'
import { lastAlerts } from '#test/helpers/detector-runner.ts'
import { until } from '#test/helpers/until.ts'
import { httpReceiver } from '#test/services/sinks/http-receiver.ts'
import { mailReceiver } from '#test/services/sinks/mail-receiver.ts'
import { bastion, directory, team } from '../../scripts/demo/team.ts'

const attempts = 10_000
const sourceIp = '198.51.100.222'
const startMs = Date.UTC(2026, 0, 14, 12)

/** A second of the log has twenty of them: so many attempts take some eight minutes. */
const linesOf = (userOf: (n: number) => string): string[] =>
  Array.from({ length: attempts }, (_, n) => {
    const at = new Date(startMs - 600_000 + n * 50).toISOString()
    return `${at} ${bastion} sshd[${1_000 + n}]: Failed password for ${userOf(n)} from ${sourceIp} port ${20_000 + n} ssh2`
  })

/** Bus, detectors and delivery as `up` has them, a web server that is paged and a mail server, at a time of the test's own. */
const stormPlace = async (t: ExecutionContext) => {
  const { bus, state, folder } = await newPlace(t)
  const [pager, mail] = [await httpReceiver(t), await mailReceiver(t)]
  const [secretFile, directoryFile] = [join(folder, 'secret'), join(folder, 'directory.json')]
  await writeFile(secretFile, `whsec_${randomBytes(32).toString('base64')}`)
  await writeFile(directoryFile, JSON.stringify(directory))
  const beganMs = Date.now()
  let aheadMs = 0
  const clock = { now: () => startMs + Date.now() - beganMs + aheadMs }
  const notify = { digestTime: '08:00' }
  const sinks = [
    {
      ...{ name: 'pager', type: 'webhook', url: pager.url, secretFiles: [secretFile], allowPrivate: true },
      ...{ send: { alerts: 'low' }, notify },
    },
    {
      ...{ name: 'mail', type: 'mail', host: '127.0.0.1', port: mail.port, tls: 'none', notify },
      ...{ from: 'bartizan@example.org', to: ['oncall@example.org'] },
    },
  ]
  const detectors = await createDetectors({
    ...{ bus, state, origins: null, clock, log, registry: new Registry() },
    config: DetectorSettings.parse({ directoryFile, snapshotMs: 500 }),
  })
  t.teardown(detectors.close)
  await startDelivery(t, { bus, state }, sinks, { clock })
  return {
    bus,
    pages: () => pager.received.map(({ body }) => JSON.parse(body) as { type: string; data: Record<string, unknown> }),
    mails: mail.mails,
    toNextMorning: () => {
      aheadMs += 86_400_000
    },
  }
}

const produceLines = async (bus: Bus, lines: string[]) => {
  const sshd = createSshdLog({ bastion, zone: 'UTC' })
  const events = lines.flatMap((line) => sshd.take(line))
  await bus.produce(
    events.map((event) => ({
      topic: 'session-events',
      key: bastion,
      value: Buffer.from(JSON.stringify({ ...event, bastion })),
    })),
  )
  return events.length
}
const isAllRead = async (bus: Bus) => (await bus.lag()).every(({ committed, end }) => committed >= end)
/** All attempts are in what was found, and all of that has reached the destinations. */
const untilCounted = (bus: Bus) =>
  until(
    async () =>
      (await lastAlerts(bus)).reduce((sum, { count }) => sum + count, 0) >= attempts && (await isAllRead(bus)),
    { limitMs: 60_000, what: 'all attempts are counted and delivered' },
  )

test('10,000 failed logins from one address at real accounts are one alert, one notification and one line of one digest', async (t) => {
  const { bus, pages, mails, toNextMorning } = await stormPlace(t)
  t.is(
    await produceLines(
      bus,
      linesOf((n) => team[n % team.length]!.user),
    ),
    attempts,
  )
  await untilCounted(bus)
  const alerts = await lastAlerts(bus)
  t.is(alerts.length, 1)
  t.like(alerts[0], { rule: 'auth-failures', sourceIp, count: attempts, severity: 'medium', status: 'open' })
  toNextMorning()
  await until(() => mails.length >= 2 && pages().length >= 2, { limitMs: 30_000, what: 'the digest' })
  await until(() => isAllRead(bus), { limitMs: 30_000 })
  t.deepEqual(
    pages().map(({ type }) => type),
    ['alert.open', 'digest'],
  )
  t.like(pages()[1]?.data, {
    rules: [{ rule: 'auth-failures', severity: 'medium', count: 1 }],
    findings: [],
    capped: 0,
    suppressed: 0,
  })
  t.is(mails.length, 2)
  t.regex(mails[0]!.subject, /^\[Bartizan\] \[medium\] .*198\.51\.100\.222/)
  t.regex(mails[1]!.subject, /^\[Bartizan\] Digest until 2026-01-15 /)
  t.is(mails[1]!.text.match(/auth-failures/g)?.length, 1)
})

test('10,000 failed logins with names nobody has, on a bastion that faces the internet, are one line of the digest and no alert', async (t) => {
  const { bus, pages, mails, toNextMorning } = await stormPlace(t)
  t.is(
    await produceLines(
      bus,
      linesOf((n) => `invalid user admin${n}`),
    ),
    attempts,
  )
  await untilCounted(bus)
  const alerts = await lastAlerts(bus)
  t.is(alerts.length, 1)
  t.like(alerts[0], { rule: 'auth-failures', sourceIp, count: attempts, severity: 'info' })
  toNextMorning()
  await until(() => mails.length >= 1 && pages().length >= 1, { limitMs: 30_000, what: 'the digest' })
  await until(() => isAllRead(bus), { limitMs: 30_000 })
  t.deepEqual(
    pages().map(({ type }) => type),
    ['digest'],
  )
  t.like(pages()[0]?.data, { rules: [], findings: [{ rule: 'auth-failures', count: 1, attempts }] })
  t.is(mails.length, 1)
  t.is(mails[0]!.text.match(/auth-failures/g)?.length, 1)
  t.regex(mails[0]!.text, /auth-failures: 1 finding that needs nobody, 10000 events/)
})

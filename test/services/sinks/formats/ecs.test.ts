import { isIP } from 'node:net'
import test from 'ava'
import { ecs } from '#services/sinks/formats/ecs.ts'
import { about, everySample, numbered, sampleAlert, sampleAlerts, sampleEvent } from '../samples.ts'
import { ecsFields, ecsTypes } from './ecs-fields.ts'

type Tree = { [name: string]: unknown }
const read = (text: string) => JSON.parse(text) as Tree & { event: Tree; bartizan: Tree & { alert: Tree } }
const documents = everySample.map((sample) => read(ecs(sample, about)))

const leaves = (tree: Tree, path: string[] = []): [string, unknown][] =>
  Object.entries(tree).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? leaves(value as Tree, [...path, name])
      : [[[...path, name].join('.'), value] as [string, unknown]],
  )

const isDate = (value: unknown) => typeof value === 'string' && new Date(value).toISOString() === value
const isText = (value: unknown) => typeof value === 'string'
const isAddress = (value: unknown) => typeof value === 'string' && isIP(value) !== 0
const checks = {
  date: isDate,
  text: isText,
  number: Number.isFinite,
  boolean: (value: unknown) => typeof value === 'boolean',
  ip: isAddress,
  texts: (value: unknown) => Array.isArray(value) && value.every(isText),
  ips: (value: unknown) => Array.isArray(value) && value.every(isAddress),
}

test('every field is one of ECS 9.4 with its type, or below bartizan', (t) => {
  for (const document of [...documents, read(ecs(everySample[0]!, { ...about, shortenedFromBytes: 9 }))])
    for (const [name, value] of leaves(document)) {
      if (name.startsWith('bartizan.')) continue
      const type = ecsFields[name]
      t.truthy(type, `${name} is not in the list of ECS fields`)
      t.true(checks[type!](value), `${name} is no ${type}: ${JSON.stringify(value)}`)
    }
})

test('no field below bartizan has two types', (t) => {
  const types = new Map<string, string>()
  for (const [name, value] of documents.flatMap((document) => leaves(document))) {
    const type = Array.isArray(value) ? 'array' : typeof value
    t.is(types.get(name) ?? type, type, name)
    types.set(name, type)
  }
})

test('every category has only types that ECS allows in it', (t) => {
  for (const { event } of documents)
    for (const type of event.type as string[])
      t.true(
        (event.category as string[]).some((category) => ecsTypes[category]?.includes(type)),
        `${event.category}: ${type}`,
      )
})

test('a login is what SIEM rules for authentication look for', (t) => {
  const { event, source, user, related, bartizan } = read(ecs(numbered(sampleEvent('login'), 12), about))
  t.like(event, {
    kind: 'event',
    category: ['authentication', 'session'],
    type: ['start'],
    action: 'ssh_login',
    outcome: 'success',
    sequence: 12,
    id: sampleEvent('login').id,
    url: `${about.consoleUrl}/sessions/${sampleEvent('login').sessionId}`,
  })
  t.deepEqual(source, { address: '203.0.113.7', ip: '203.0.113.7', port: 50123 })
  t.deepEqual(user, { name: 'alice' })
  t.deepEqual(related, { ip: ['203.0.113.7'], user: ['alice'], hosts: ['b1.example.org', 'db1.example.org'] })
  t.is(bartizan.extra, '{"connection":"a field we do not know"}')
})

test('a command has its arguments, and the user it ran as', (t) => {
  const { process, user } = read(ecs(numbered(sampleEvent('command')), about))
  t.deepEqual(process, {
    name: 'sudo',
    args: ['/usr/bin/sudo', '-u', 'root', 'cat', '/etc/shadow'],
    args_count: 5,
    command_line: 'sudo -u root cat /etc/shadow',
    exit_code: 1,
  })
  t.deepEqual(user, { name: 'alice', effective: { name: 'root' } })
})

test('the end of a session has a duration in nanoseconds that fits its start', (t) => {
  const { event } = read(ecs(numbered(sampleEvent('session_ended')), about))
  t.is(event.duration, 61_500_500_000)
  t.true(Math.abs(Date.parse(event.end as string) - Date.parse(event.start as string) - 61_500.5) < 1)
})

test('a host name where an address was expected is a domain, and an IPv6 zone is left out', (t) => {
  const { source } = read(ecs(numbered(sampleEvent('login', { sourceIp: 'laptop.example.org' })), about))
  t.deepEqual(source, { address: 'laptop.example.org', domain: 'laptop.example.org', port: 50123 })
  const zoned = read(ecs(numbered(sampleEvent('login', { sourceIp: 'fe80::1%eth0' })), about))
  t.like(zoned.source, { address: 'fe80::1%eth0', ip: 'fe80::1' })
})

test('an alert has its rule, its technique and its risk', (t) => {
  const { event, rule, threat, bartizan } = read(ecs({ seq: 1, item: { type: 'alert', alert: sampleAlert } }, about))
  t.like(event, { kind: 'alert', risk_score: 73, severity: 73, reason: sampleAlert.explanation })
  t.like(rule, { id: 'auth-success-after-failures', ruleset: 'bartizan' })
  t.like(threat, { tactic: { id: ['TA0006'] }, technique: { id: ['T1110'] } })
  t.like(bartizan.alert, { id: sampleAlert.id, revision: 3, status: 'acknowledged' })
})

test('a sub-technique stands below its technique', (t) => {
  const alert = { ...sampleAlert, rule: 'privilege-escalation' as const }
  const { threat } = read(ecs({ seq: 1, item: { type: 'alert', alert } }, about))
  t.like(threat, { technique: { id: ['T1548'], subtechnique: { id: ['T1548.003'] } } })
})

test('every telling of an alert has an id of its own, and the same telling the same', (t) => {
  const ids = sampleAlerts.map((alert) => read(ecs({ seq: 1, item: { type: 'alert', alert } }, about)).event.id)
  t.is(new Set(ids).size, sampleAlerts.length)
  const again = read(ecs({ seq: 99, item: { type: 'alert', alert: sampleAlert } }, about))
  t.is(again.event.id, ids[0])
})

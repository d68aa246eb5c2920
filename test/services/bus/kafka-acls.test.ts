import { readFileSync } from 'node:fs'
import test from 'ava'
import { aclCommand, aclEntries, kafkaAcls, kafkaRoles } from '#services/bus/kafka-acls.ts'
import { kafkaSettings } from '#test/helpers/open-kafka-bus.ts'

const settings = kafkaSettings({ topicPrefix: 'bartizan-' })

test('an agent has the right to write two topics, and no other', (t) => {
  t.deepEqual(
    kafkaAcls('agent', settings).map(({ resource, name, operations }) => [resource, name, operations]),
    [
      ['topic', 'bartizan-session-frames', ['Write']],
      ['topic', 'bartizan-session-events', ['Write']],
    ],
  )
})

test('without a prefix the rights name every group, with one only those that begin with it', (t) => {
  const groupOf = (topicPrefix: string) =>
    kafkaAcls('ingest', kafkaSettings({ topicPrefix })).find(({ resource }) => resource === 'group')!
  t.like(groupOf(''), { name: '*', pattern: 'literal' })
  t.like(groupOf('bartizan-'), { name: 'bartizan-', pattern: 'prefixed' })
})

test('a right is one entry per operation for an administrator, and one command for a person', (t) => {
  const acl = kafkaAcls('set-up', settings)[0]!
  t.is(aclEntries([acl], 'maker').length, 3)
  t.is(
    aclCommand(acl, 'maker', 'kafka:9092'),
    'kafka-acls.sh --bootstrap-server kafka:9092 --add --allow-principal User:maker --operation Create --operation Describe ' +
      "--operation DescribeConfigs --topic 'bartizan-session-frames' --resource-pattern-type literal",
  )
})

test('the operations page lists exactly these rights', (t) => {
  const page = readFileSync(new URL('../../../docs/operations/kafka.md', import.meta.url), 'utf8')
  const listed = page.split('\n').filter((line) => kafkaRoles.some((role) => line.startsWith(`| ${role} | `)))
  const expected = kafkaRoles.flatMap((role) =>
    kafkaAcls(role, settings).map(({ resource, name, pattern, operations }) => {
      const on = `${resource} \`${name}\`${pattern === 'prefixed' ? ' (prefix)' : ''}`
      return `| ${role} | ${on} | ${operations.join(', ')} |`
    }),
  )
  t.deepEqual(listed, expected)
})

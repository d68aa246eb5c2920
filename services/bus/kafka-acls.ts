import kafkajs, { type AclEntry } from 'kafkajs'
import { type Topic, topics } from './bus.ts'
import type { KafkaSettings } from './kafka-client.ts'
import { topicName } from './kafka-topics.ts'

export const kafkaRoles = [
  'set-up',
  'agent',
  'receiver',
  'ingest',
  'detectors',
  'delivery',
  'viewer',
  'custodian',
  'dispose',
] as const
export type KafkaRole = (typeof kafkaRoles)[number]

export type AclOperation = 'Create' | 'Describe' | 'DescribeConfigs' | 'Read' | 'Write'
export type KafkaAcl = {
  resource: 'topic' | 'group'
  name: string
  pattern: 'literal' | 'prefixed'
  operations: AclOperation[]
}

type Rights = { reads: Topic[]; writes: Topic[] }
/**
 * Who consumes also puts aside what it cannot read, and reports what it sees of its own state as events. Ingest is what
 * sends again what was put aside, to where it came from.
 */
const rights: Record<Exclude<KafkaRole, 'set-up' | 'agent'>, Rights> = {
  receiver: { reads: [], writes: ['session-frames', 'session-events'] },
  ingest: {
    reads: ['session-frames', 'session-events', 'alerts', 'log-entries', 'dead-letters'],
    writes: ['session-events', 'entity-events', 'log-entries', 'dead-letters', 'session-frames', 'alerts'],
  },
  detectors: {
    reads: ['session-events', 'entity-events'],
    writes: ['entity-events', 'alerts', 'dead-letters'],
  },
  delivery: { reads: ['alerts', 'session-events'], writes: ['session-events', 'dead-letters'] },
  viewer: { reads: ['session-frames'], writes: ['session-events', 'alerts', 'log-entries'] },
  // Acts are leaves; the report of the night is an event.
  custodian: { reads: [], writes: ['session-events', 'log-entries'] },
  dispose: { reads: [], writes: ['log-entries'] },
}

/** Read and Write each include Describe. */
const serviceOperations = ({ reads, writes }: Rights, topic: Topic): AclOperation[] => {
  const operations: AclOperation[] = []
  if (reads.includes(topic)) operations.push('Read')
  if (writes.includes(topic)) operations.push('Write')
  return [...(operations.length > 0 ? operations : ['Describe' as const]), 'DescribeConfigs']
}

/** Groups are named with the same prefix as topics; without one, every group there is. */
const groupAcl = ({ topicPrefix }: KafkaSettings, operations: AclOperation[]): KafkaAcl =>
  topicPrefix === ''
    ? { resource: 'group', name: '*', pattern: 'literal', operations }
    : { resource: 'group', name: topicPrefix, pattern: 'prefixed', operations }

/** All that a role may do. Nobody may delete or alter anything: that stays with the cluster's administrators. */
export const kafkaAcls = (role: KafkaRole, settings: KafkaSettings): KafkaAcl[] => {
  const onTopic = (topic: Topic, operations: AclOperation[]): KafkaAcl => ({
    resource: 'topic',
    name: topicName(settings, topic),
    pattern: 'literal',
    operations,
  })
  if (role === 'agent') return [onTopic('session-frames', ['Write']), onTopic('session-events', ['Write'])]
  if (role === 'set-up') return topics.map((topic) => onTopic(topic, ['Create', 'Describe', 'DescribeConfigs']))
  const mine = rights[role]
  const onGroups = groupAcl(settings, mine.reads.length > 0 ? ['Read'] : ['Describe'])
  return [...topics.map((topic) => onTopic(topic, serviceOperations(mine, topic))), onGroups]
}

/** As Kafka's own tool takes it. */
export const aclCommand = ({ resource, name, pattern, operations }: KafkaAcl, user: string, brokers: string): string =>
  [
    `kafka-acls.sh --bootstrap-server ${brokers} --add --allow-principal User:${user}`,
    ...operations.map((operation) => `--operation ${operation}`),
    `--${resource} '${name}'`,
    `--resource-pattern-type ${pattern}`,
  ].join(' ')

const operationTypes = (): Record<AclOperation, number> => {
  const { CREATE, DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE } = kafkajs.AclOperationTypes
  return { Create: CREATE, Describe: DESCRIBE, DescribeConfigs: DESCRIBE_CONFIGS, Read: READ, Write: WRITE }
}

/** The same for an administrator's `createAcls`. */
export const aclEntries = (acls: KafkaAcl[], user: string): AclEntry[] => {
  const { AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
  return acls.flatMap(({ resource, name, pattern, operations }) =>
    operations.map((operation) => ({
      resourceType: resource === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
      resourceName: name,
      resourcePatternType: pattern === 'literal' ? ResourcePatternTypes.LITERAL : ResourcePatternTypes.PREFIXED,
      principal: `User:${user}`,
      host: '*',
      operation: operationTypes()[operation],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  )
}

import type { Finding } from '../finding.ts'
import { partitionsFor, type Topic, topics } from './bus.ts'
import type { KafkaSettings } from './kafka-client.ts'

/** What the brokers count beside the record itself: the batch's head, lengths, and headers in their form. */
export const batchOverheadBytes = 64 * 1024

export type BusLimits = { retentionMs: number; maxRecordBytes: number }
export type WantedTopic = {
  topic: Topic
  name: string
  partitions: number
  replicationFactor: number
  settings: Record<string, string>
}
/** `settings` is null where this user may not see them. */
export type FoundTopic = { partitions: number; replicas: number; settings: Record<string, string> | null }

export const topicName = ({ topicPrefix }: KafkaSettings, topic: Topic): string => topicPrefix + topic

/**
 * Nothing is compacted: every revision of an alert is evidence, and compaction would remove those that nobody has read
 * yet. Append time is the broker's: whoever writes cannot choose when a record expires. Payloads stay compressed as sent.
 */
const settingsOf = ({ replicationFactor }: KafkaSettings, { retentionMs, maxRecordBytes }: BusLimits) => ({
  'cleanup.policy': 'delete',
  'retention.ms': String(retentionMs),
  'retention.bytes': '-1',
  'min.insync.replicas': replicationFactor >= 3 ? '2' : '1',
  'unclean.leader.election.enable': 'false',
  'max.message.bytes': String(maxRecordBytes + batchOverheadBytes),
  'message.timestamp.type': 'LogAppendTime',
  'compression.type': 'producer',
})

export const wantedTopics = (kafka: KafkaSettings, limits: BusLimits): WantedTopic[] =>
  topics.map((topic) => ({
    topic,
    name: topicName(kafka, topic),
    partitions: partitionsFor(topic, kafka.partitions),
    replicationFactor: kafka.replicationFactor,
    settings: settingsOf(kafka, limits),
  }))

/** Whether a setting is as good as what is wanted; every other one has to be the same. */
const suffices: Record<string, (found: number, wanted: number) => boolean> = {
  'retention.ms': (found, wanted) => found === -1 || found >= wanted,
  'min.insync.replicas': (found, wanted) => found >= wanted,
  'max.message.bytes': (found, wanted) => found >= wanted,
}

const wrongSettings = (found: Record<string, string>, wanted: Record<string, string>): string[] =>
  Object.keys(wanted).filter((name) => {
    const enough = suffices[name]
    if (found[name] === undefined) return false // the broker does not know it
    return enough ? !enough(Number(found[name]), Number(wanted[name])) : found[name] !== wanted[name]
  })

const settingsFinding = (
  { name, settings }: WantedTopic,
  found: Record<string, string>,
  brokers: string,
): Omit<Finding, 'check'> | null => {
  const wrong = wrongSettings(found, settings)
  if (wrong.length === 0) return null
  const changes = wrong.map((one) => `${one}=${settings[one]}`).join(',')
  return {
    ok: false,
    detail: wrong.map((one) => `${one} is ${found[one]}, not ${settings[one]}`).join('; '),
    fix: `kafka-configs.sh --bootstrap-server ${brokers} --alter --entity-type topics --entity-name ${name} --add-config ${changes}`,
  }
}

const judge = (wanted: WantedTopic, found: FoundTopic | undefined, brokers: string): Omit<Finding, 'check'> => {
  const tool = (action: string) => `kafka-topics.sh --bootstrap-server ${brokers} ${action} --topic ${wanted.name}`
  if (!found) {
    const settings = Object.entries(wanted.settings).map(([name, value]) => `--config ${name}=${value}`)
    const counts = `--partitions ${wanted.partitions} --replication-factor ${wanted.replicationFactor}`
    return {
      ok: false,
      detail: 'does not exist, or this user may not see it',
      fix: `${tool('--create')} ${counts} ${settings.join(' ')}`,
    }
  }
  if (found.partitions !== wanted.partitions) {
    const fix =
      wanted.partitions === 1
        ? `its records need one order: delete it (${tool('--delete')}), and the set-up makes it anew`
        : `keys would move to other partitions: set kafka.partitions to ${found.partitions}, or start with another kafka.topicPrefix`
    return { ok: false, detail: `has ${found.partitions} partitions, not ${wanted.partitions}`, fix }
  }
  if (found.replicas < wanted.replicationFactor) {
    const detail = `has ${found.replicas} copies, not ${wanted.replicationFactor}`
    return {
      ok: false,
      detail,
      fix: `kafka-reassign-partitions.sh --bootstrap-server ${brokers} with ${wanted.replicationFactor} replicas for each partition of ${wanted.name}`,
    }
  }
  if (found.settings === null) {
    return {
      ok: true,
      detail: `${found.partitions} partitions, ${found.replicas} copies; this user may not see its settings`,
    }
  }
  return (
    settingsFinding(wanted, found.settings, brokers) ?? {
      ok: true,
      detail: `${found.partitions} partitions, ${found.replicas} copies`,
    }
  )
}

/** One finding per topic. */
export const judgeTopics = (
  wanted: WantedTopic[],
  found: ReadonlyMap<string, FoundTopic>,
  { brokers }: KafkaSettings,
): Finding[] =>
  wanted.map((one) => ({ check: `kafka topic ${one.topic}`, ...judge(one, found.get(one.name), brokers[0]!) }))

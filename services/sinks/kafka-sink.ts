import type { NewRecord, Topic } from '../bus/bus.ts'
import { createKafkaClient, type KafkaSettings } from '../bus/kafka-client.ts'
import { connectTo } from '../bus/kafka-connect.ts'
import { createKafkaWriter, type KafkaWriter } from '../bus/kafka-write.ts'
import { hasCode } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { KafkaSinkSettings } from '../schema/sink-settings.ts'
import { type Format, type FormatContext, type Numbered, type Sent, type Sink, SinkUnavailable } from './sink.ts'

export type KafkaSinkOptions = {
  kafka: KafkaSettings // of the cluster, for a sink without brokers of its own
  format: Format
  about: () => FormatContext
  log: Logger
}

/** CloudEvents 1.0, Kafka binding 3.2 (binary mode), with the extension `sequence`. */
const cloudEvent = ({ seq, item }: Numbered, { host }: FormatContext, contentType: string): Record<string, string> => {
  const isEvent = item.type === 'event'
  return {
    ce_specversion: '1.0',
    ce_id: isEvent ? item.event.id : `${item.alert.id}-${item.alert.revision}`,
    ce_source: `//${host}/bartizan`,
    ce_type: isEvent ? `bartizan.event.${item.event.kind}` : `bartizan.alert.${item.alert.rule}`,
    ce_time: isEvent ? item.event.at : item.alert.at,
    ce_sequence: String(seq),
    'content-type': `${contentType}; charset=utf-8`,
  }
}

/** What belongs together keeps its order: an alert's revisions, a session's events. */
const recordOf = (numbered: Numbered, format: Format, about: FormatContext, contentType: string): NewRecord => {
  const { item } = numbered
  const key = item.type === 'alert' ? item.alert.id : (item.event.sessionId ?? item.event.bastion)
  const topic: Topic = item.type === 'alert' ? 'alerts' : 'session-events'
  return { topic, key, value: Buffer.from(format(numbered, about)), headers: cloudEvent(numbered, about, contentType) }
}

const settingsFor = (settings: KafkaSinkSettings, ours: KafkaSettings): KafkaSettings => {
  const { brokers, username, passwordFile, tls } = settings
  return brokers === undefined ? ours : { ...ours, brokers, username, passwordFile, tls }
}

/** Idempotent and acknowledged by all replicas; topics are made by who runs the brokers. */
export const createKafkaSink = (settings: KafkaSinkSettings, options: KafkaSinkOptions): Sink => {
  const { format, about, log } = options
  const contentType = settings.format === 'ecs' || settings.format === 'ocsf' ? 'application/json' : 'text/plain'
  const names: Partial<Record<Topic, string>> = {
    ...(settings.send.events !== undefined && { 'session-events': settings.eventTopic }),
    ...(settings.send.alerts !== undefined && { alerts: settings.alertTopic }),
  }
  const nameOf = (topic: Topic): string => names[topic] ?? topic
  let opened: KafkaWriter | null = null

  const open = async (): Promise<KafkaWriter> => {
    const kafka = createKafkaClient(settingsFor(settings, options.kafka), log)
    const { cluster, found } = await connectTo(kafka, Object.values(names))
    await cluster.disconnect()
    const partitionCount = (topic: Topic) => found.get(nameOf(topic))?.partitions ?? 0
    const { maxRecordBytes } = settings
    return createKafkaWriter({ kafka, nameOf, partitionCount, maxRecordBytes, isPlain: true, log })
  }
  const write = async (records: NewRecord[]): Promise<Sent> => {
    const sizes = records.map(({ value, key }) => value.byteLength + Buffer.byteLength(key) + 1_024) // headers, roughly
    const large = sizes.findIndex((bytes) => bytes > settings.maxRecordBytes)
    if (large === 0) return { taken: 0, refused: { reason: `larger than ${settings.maxRecordBytes} bytes` } }
    const fitting = large === -1 ? records : records.slice(0, large)
    opened ??= await open()
    try {
      await opened.produce(fitting)
    } catch (error) {
      if (hasCode(error, 'BTZ_BUS_RECORD_TOO_LARGE') && fitting.length === 1)
        return { taken: 0, refused: { reason: 'larger than the topic takes' } }
      throw error
    }
    return { taken: fitting.length }
  }
  return {
    send: async (batch) => {
      const context = about()
      return write(batch.map((numbered) => recordOf(numbered, format, context, contentType))).catch(
        (cause: unknown) => {
          throw new SinkUnavailable(cause instanceof Error ? cause.message : 'Kafka failed', null, cause)
        },
      )
    },
    close: async () => {
      const writer = opened
      opened = null
      await writer?.close()
    },
  }
}

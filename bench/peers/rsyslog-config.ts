import { join } from 'node:path'

/** Settings from rsyslog's own documentation (queues, imfile, omkafka, imkafka, omelasticsearch), tuned for throughput. */

const setting = (name: string, value: string | number): string => `${name}="${value}"`
const settings = (values: Record<string, string | number>): string =>
  Object.entries(values)
    .map(([name, value]) => setting(name, value))
    .join(' ')
const list = (values: string[]): string => `[${values.map((value) => `"${value}"`).join(',')}]`
const load = (modules: string[]): string => modules.map((name) => `module(load="${name}")\n`).join('')

/** Own messages go to a file: what it says of lost messages is part of the result. */
const ground = (
  folder: string,
): string => `global(${settings({ workDirectory: folder, maxMessageSize: '64k', processInternalMessages: 'on' })})
main_queue(${settings({
  'queue.type': 'LinkedList',
  'queue.size': 200_000,
  'queue.dequeueBatchSize': 4096,
  'queue.timeoutEnqueue': 600_000,
  'queue.timeoutShutdown': 20_000,
})})
template(name="line" type="string" string="%msg%")
template(name="note" type="string" string="%timegenerated% %msg%\\n")
action(${settings({ type: 'omfile', file: join(folder, 'own-messages.log'), template: 'note' })})
`

export type Forwarding = { folder: string; brokers: string[]; topic: string; input: string }

/** A followed file → Kafka, line by line, unparsed. */
export const forwarderConfig = ({ folder, brokers, topic, input }: Forwarding): string => {
  const tuning = [
    'compression.codec=lz4',
    'linger.ms=20',
    'batch.num.messages=10000',
    'queue.buffering.max.messages=1000000',
    'request.required.acks=-1',
  ]
  const forward = settings({
    type: 'omkafka',
    topic,
    template: 'line',
    'partitions.auto': 'on',
    resubmitOnFailure: 'on',
    keepFailedMessages: 'on',
    failedMsgFile: join(folder, 'failed'),
    closeTimeout: 20_000,
    'action.resumeRetryCount': -1, // else it throws away what comes while it is suspended
    'action.resumeInterval': 1,
  })
  return `module(load="imfile" mode="inotify")
${load(['omkafka'])}${ground(folder)}ruleset(name="forward") {
  action(${forward} broker=${list(brokers)} confParam=${list(tuning)})
}
input(${settings({ type: 'imfile', File: input, Tag: 'events:', ruleset: 'forward', readTimeout: 0, freshStartTail: 'off' })})
`
}

export type Indexing = {
  folder: string
  brokers: string[]
  topic: string
  group: string
  elasticPort: string
  index: string
  /** Disk: nothing is lost with the process; memory is what most use. */
  queue: 'memory' | 'disk'
  /** `_id` of the event, and create: what is sent again is refused. */
  withIds: boolean
}

const batchLines = 4096

const queueOf = (queue: Indexing['queue']): string => {
  const shared = {
    'queue.size': 100_000,
    'queue.dequeueBatchSize': batchLines,
    'queue.minDequeueBatchSize': batchLines / 2,
    'queue.minDequeueBatchSize.timeout': 500,
    'queue.timeoutEnqueue': 600_000,
    'queue.timeoutShutdown': 20_000,
  }
  if (queue === 'memory') return settings({ 'queue.type': 'LinkedList', 'queue.workerThreads': 2, ...shared })
  const disk = { 'queue.filename': 'indexing', 'queue.maxFileSize': '64m', 'queue.checkpointInterval': 1000 }
  return settings({ 'queue.type': 'Disk', 'queue.saveOnShutdown': 'on', ...disk, ...shared })
}

const outputOf = ({ folder, elasticPort, index, withIds }: Indexing): string =>
  settings({
    type: 'omelasticsearch',
    server: '127.0.0.1',
    serverport: elasticPort,
    template: 'line',
    searchIndex: index,
    searchType: '',
    'esversion.major': 8,
    bulkmode: 'on',
    maxbytes: '8m',
    healthchecktimeout: 5000,
    retryfailures: 'on',
    retryruleset: 'retry',
    errorFile: join(folder, 'refused.log'),
    'action.resumeRetryCount': -1,
    'action.resumeInterval': 1,
    ...(withIds ? { dynBulkId: 'on', bulkid: 'id', writeoperation: 'create' } : {}),
  })

/** Kafka → Elasticsearch's bulk API. */
export const indexerConfig = (indexing: Indexing): string => {
  const { folder, brokers, topic, group, queue, withIds } = indexing
  const tuning = ['auto.offset.reset=earliest', 'queued.min.messages=100000', 'fetch.message.max.bytes=4194304']
  const parse = withIds ? 'action(type="mmjsonparse" cookie="")' : ''
  return `${load(['imkafka', 'omelasticsearch', ...(withIds ? ['mmjsonparse'] : [])])}${ground(folder)}template(name="id" type="list") { property(name="$!event!id") }
ruleset(name="retry") { action(${settings({ type: 'omfile', file: join(folder, 'retried.log'), template: 'note' })}) }
ruleset(name="index" ${queueOf(queue)}) {
  ${parse}
  action(${outputOf(indexing)})
}
input(${settings({ type: 'imkafka', topic, consumergroup: group, ruleset: 'index' })} broker=${list(brokers)} confParam=${list(tuning)})
`
}

import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type Admin, type Cluster } from 'kafkajs'
import { BartizanError, hasCode } from '../errors.ts'
import type { Finding } from '../finding.ts'
import type { Logger } from '../log.ts'
import { clusterOf, createKafkaClient, type KafkaSettings } from './kafka-client.ts'
import { answerOf, asBusErrors, busError } from './kafka-errors.ts'
import { readTopics } from './kafka-metadata.ts'
import { type BusLimits, type FoundTopic, judgeTopics, type WantedTopic, wantedTopics } from './kafka-topics.ts'

const settleMs = 15_000

export type KafkaSetupOptions = BusLimits & { config: KafkaSettings; log: Logger }
type Access = { admin: Admin; cluster: Cluster }

const readSettings = async (admin: Admin, names: string[]): Promise<Map<string, Record<string, string>>> => {
  try {
    const resources = names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name }))
    const answer = await admin.describeConfigs({ resources, includeSynonyms: false })
    return new Map(
      answer.resources.map(({ resourceName, configEntries }) => [
        resourceName,
        Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    )
  } catch (error) {
    if (answerOf(error) === 'TOPIC_AUTHORIZATION_FAILED') return new Map()
    throw error
  }
}

const findTopics = async ({ admin, cluster }: Access, wanted: WantedTopic[]): Promise<Map<string, FoundTopic>> => {
  const broker = await cluster.findControllerBroker()
  const found = await readTopics(
    broker,
    wanted.map(({ name }) => name),
  )
  const settings = found.size > 0 ? await readSettings(admin, [...found.keys()]) : new Map()
  return new Map([...found].map(([name, counts]) => [name, { ...counts, settings: settings.get(name) ?? null }]))
}

const createMissing = async (admin: Admin, wanted: WantedTopic[]): Promise<void> => {
  const topics = wanted.map(({ name, partitions, replicationFactor, settings }) => ({
    topic: name,
    numPartitions: partitions,
    replicationFactor,
    configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
  }))
  // Another process that starts now may have made some of them: what is there is judged afterwards.
  await admin.createTopics({ topics, timeout: 30_000, waitForLeaders: false })
}

const withAccess = async <T>({ config, log }: KafkaSetupOptions, act: (access: Access) => Promise<T>): Promise<T> => {
  const kafka = createKafkaClient(config, log)
  const access = { admin: kafka.admin(), cluster: clusterOf(kafka) }
  try {
    await asBusErrors(`connecting to ${config.brokers.join(', ')}`, async () => {
      await access.admin.connect()
      await access.cluster.connect()
      await access.cluster.refreshMetadata()
    })
    return await act(access)
  } finally {
    await Promise.all([access.admin.disconnect(), access.cluster.disconnect()])
  }
}

/** Brokers learn one after the other of topics that were made. @returns whether they all know in time */
export const settled = async (isDone: () => Promise<boolean>): Promise<boolean> => {
  for (const end = performance.now() + settleMs; performance.now() < end; ) {
    if (await isDone()) return true
    await sleep(50)
  }
  return false
}

/** Changes nothing. Never throws for what is wrong with the cluster: that is a finding. */
export const inspectKafka = async (options: KafkaSetupOptions): Promise<Finding[]> => {
  const connected = { check: 'kafka connection', ok: true, detail: options.config.brokers.join(', ') }
  try {
    const wanted = wantedTopics(options.config, options)
    return await withAccess(options, async (access) => {
      const { brokers } = await access.admin.describeCluster()
      const enough: Finding = {
        check: 'kafka brokers',
        ok: brokers.length >= options.config.replicationFactor,
        detail: `${brokers.length} of them`,
      }
      if (!enough.ok)
        enough.fix = `start ${options.config.replicationFactor} brokers, as kafka.replicationFactor says; 1 is for a single broker only`
      return [connected, enough, ...judgeTopics(wanted, await findTopics(access, wanted), options.config)]
    })
  } catch (error) {
    const { message, hint } = busError(error, 'inspecting the cluster')
    return [{ check: connected.check, ok: false, detail: message, ...(hint === undefined ? {} : { fix: hint }) }]
  }
}

/** Makes the topics that are missing, and checks those that are there. @throws BTZ_BUS_MISCONFIGURED with what is wrong and what mends it */
export const setUpKafka = (options: KafkaSetupOptions): Promise<void> =>
  withAccess(options, async (access) => {
    const wanted = wantedTopics(options.config, options)
    let found = new Map<string, FoundTopic>()
    const read = async (isEnough: () => boolean): Promise<boolean> => {
      try {
        found = await asBusErrors('reading the topics', () => findTopics(access, wanted))
        return isEnough()
      } catch (error) {
        // One broker names a topic, and the next that is asked for its settings has not heard of it yet.
        if (hasCode(error, 'BTZ_BUS_UNKNOWN_TOPIC')) return false
        throw error
      }
    }
    await settled(() => read(() => true))
    const missing = wanted.filter(({ name }) => !found.has(name))
    if (missing.length > 0) {
      await createMissing(access.admin, missing).catch((err: unknown) =>
        options.log.warn({ err }, 'kafka: topics could not be made'),
      )
      await settled(() => read(() => found.size === wanted.length))
    }
    const wrong = judgeTopics(wanted, found, options.config).filter(({ ok }) => !ok)
    if (wrong.length === 0) return
    throw new BartizanError(
      'BTZ_BUS_MISCONFIGURED',
      wrong.map(({ check, detail }) => `${check}: ${detail}`).join('\n'),
      {
        hint: [...new Set(wrong.map(({ fix }) => fix))].join('\n'),
      },
    )
  })

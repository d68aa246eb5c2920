import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { openBackends } from '#services/backends.ts'
import { partitionsFor, topics } from '#services/bus/bus.ts'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { settingsFor } from '../../scripts/engines/settings.ts'
import { type Services, services } from './cluster.ts'

/** `TEST_BACKEND=cluster`: the product's own tests run on the engines instead of the embedded back ends. */
const onCluster = process.env.TEST_BACKEND === 'cluster'

const partitions = 4

/** Names of its own for each data folder: what is started again on the same folder finds the same topics and indices. */
export const nameOf = (data: string): string => `p${createHash('sha256').update(data).digest('hex').slice(0, 12)}`

/** The settings with which the product keeps everything but its keys in the engines. */
export const clusterEnv = async (data: string, engines: Services): Promise<Record<string, string>> => {
  await mkdir(data, { recursive: true, mode: 0o700 })
  return {
    ...settingsFor(engines, data),
    BARTIZAN_KAFKA_TOPIC_PREFIX: `${nameOf(data)}-`,
    BARTIZAN_KAFKA_PARTITIONS: `${partitions}`,
    BARTIZAN_ELASTICSEARCH_INDEX_PREFIX: nameOf(data),
  }
}

export const backendEnv = async (data: string): Promise<Record<string, string>> => {
  if (!onCluster) return {}
  if (services === null) throw new Error('TEST_BACKEND=cluster needs TEST_SERVICES')
  return clusterEnv(data, services)
}

const write = async (file: string, bytes: Uint8Array | string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, bytes)
}

/** Puts what a stopped product keeps in the engines into files of its data folder, where tests look for it. */
export const bringHome = async (data: string, sessionIds: readonly string[]): Promise<void> => {
  if (!onCluster) return
  const env = await backendEnv(data)
  const config = loadConfig(undefined, { ...env, BARTIZAN_DATA: data })
  const { bus, recordings, close } = await openBackends(config, systemClock, pino({ level: 'silent' }))
  for (const topic of topics) {
    for (let partition = 0; partition < partitionsFor(topic, partitions); partition++) {
      const records = await bus.read({ topic, partition }, 0, 100_000)
      for (const { offset, value } of records) await write(join(data, 'kafka', topic, `${partition}-${offset}`), value)
    }
  }
  const isOurs = (key: string) => key.includes(`/events/${bus.id}/`) || sessionIds.some((id) => key.includes(id))
  for (let after = ''; ; ) {
    const page = await recordings.list('evidence/', { limit: 1000, ...(after && { after }) })
    for (const { key } of page.filter((object) => isOurs(object.key)))
      await write(join(data, key), await recordings.get(key))
    if (page.length < 1000) break
    after = page.at(-1)!.key
  }
  const found = await fetch(`${env.BARTIZAN_ELASTICSEARCH_NODES}/${nameOf(data)}*/_search?size=10000`)
  await write(join(data, 'elasticsearch.json'), await found.text())
  await close()
}

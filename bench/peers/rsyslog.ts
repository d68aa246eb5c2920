import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { link, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Engine, startEngine } from '../../scripts/engines/engine.ts'
import { type Pipeline, partitions } from '../cluster/pipeline.ts'
import { createEcsIndex } from './ecs-index.ts'
import { forwarderConfig, type Indexing, indexerConfig } from './rsyslog-config.ts'

const packages = 'apt-get install rsyslog rsyslog-kafka rsyslog-elasticsearch'

const check = (configFile: string): void => {
  const { error, status, stderr } = spawnSync('rsyslogd', ['-N1', '-f', configFile], { encoding: 'utf8' })
  if (error) throw new Error(`rsyslogd cannot be run (${error.message}): ${packages}`)
  if (status !== 0) throw new Error(`rsyslogd refuses ${configFile} (${packages}?):\n${stderr}`)
}

/** A rsyslogd of the bench's own, beside that of the system. */
const startRsyslog = async (folder: string, config: string): Promise<Engine> => {
  const configFile = join(folder, 'rsyslog.conf')
  const pidFile = join(folder, 'rsyslog.pid')
  await writeFile(configFile, config)
  check(configFile)
  return startEngine({
    name: 'rsyslogd',
    command: 'rsyslogd',
    args: ['-n', '-f', configFile, '-i', pidFile],
    logFile: join(folder, 'rsyslogd.log'),
    isReady: async () => existsSync(pidFile),
  })
}

const shownBytes = 400

/** The files in which it tells what went wrong: their sizes, and how they begin. */
const complaintsIn = async (folder: string): Promise<string> => {
  const names = (await readdir(folder)).filter((name) => /^(own-messages|refused|retried|failed)/.test(name))
  const told = names.map(async (name) => {
    const file = join(folder, name)
    const { size } = await stat(file)
    return size === 0 ? '' : `${name} (${size} bytes): ${(await readFile(file, 'utf8')).slice(-shownBytes)}`
  })
  return (await Promise.all(told)).filter((text) => text !== '').join('\n')
}

const createPeer = (name: string, form: Pick<Indexing, 'queue' | 'withIds'>): Pipeline => ({
  name,
  start: async ({ engines, brokers, folder, name: run, files }) => {
    const [forwarderFolder, indexerFolder] = [join(folder, 'forwarder'), join(folder, 'indexer')]
    for (const path of [forwarderFolder, indexerFolder]) await mkdir(path, { recursive: true })
    const input = join(forwarderFolder, 'events.ndjson')
    const shared = { brokers: engines.kafka.brokers, topic: run }
    await createEcsIndex(engines.elasticsearch.url, run)
    await brokers.createTopic(run, partitions)
    const elasticPort = new URL(engines.elasticsearch.url).port
    const indexing = { ...shared, ...form, folder: indexerFolder, group: run, elasticPort, index: run }
    const indexer = await startRsyslog(indexerFolder, indexerConfig(indexing))
    const producer = await startRsyslog(forwarderFolder, forwarderConfig({ ...shared, folder: forwarderFolder, input }))
    return {
      topic: run,
      group: run,
      index: run,
      numbering: { field: 'event.sequence' },
      producer,
      indexer,
      go: () => link(files.ecs, input),
      complaints: async () =>
        [await complaintsIn(forwarderFolder), await complaintsIn(indexerFolder)].join('\n').trim(),
      stop: async () => {
        await producer.stop()
        await indexer.stop()
      },
    }
  },
})

/** As it is usually set up; and as an expert would, who wants nothing lost and nothing twice. */
export const rsyslogPeers: Pipeline[] = [
  createPeer('rsyslog, memory queue', { queue: 'memory', withIds: false }),
  createPeer('rsyslog, disk queue + ids', { queue: 'disk', withIds: true }),
]

import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../../scripts/engines/engine.ts'
import { childScript, producerEnv, productEnv, startNode } from './bartizan.ts'
import { partitions, type RunPlace } from './pipeline.ts'

/** One way from terminal output in a file to objects in the store; its recorder runs, its producer waits. */
export type RunningRecorder = {
  topic: string
  group: string
  producer: Engine
  recorder: Engine
  go(): Promise<void>
  hasProduced(): Promise<boolean>
  /** CPU that the agent spends before: framing, compression. */
  framingCpuSeconds: number
  sessions: number // 0: it knows of none
}
export type Recorder = { name: string; start(place: RunPlace, corpus: string): Promise<RunningRecorder> }

const said = (folder: string, name: string): Promise<string> => readFile(join(folder, `${name}.log`), 'utf8')

const producing = ({ folder }: RunPlace) => ({
  go: () => writeFile(join(folder, 'go'), ''),
  hasProduced: async () => (await said(folder, 'producer')).includes('produced\n'),
})

const bartizan: Recorder = {
  name: 'bartizan',
  start: async (place, corpus) => {
    const { folder, name } = place
    const env = { ...(await productEnv(place)), BARTIZAN_S3_BUCKET: name }
    const recorder = await startNode(place, 'recorder', [childScript('record-frames')], env)
    const producer = await startNode(
      place,
      'producer',
      [childScript('produce-frames'), corpus, join(folder, 'go')],
      producerEnv(env),
    )
    const line = (await said(folder, 'producer')).split('\n').find((text) => text.startsWith('{"framing'))!
    const framing = JSON.parse(line) as Pick<RunningRecorder, 'framingCpuSeconds' | 'sessions'>
    const names = { topic: `${name}-session-frames`, group: `${name}-recorder` }
    return { ...names, ...framing, producer, recorder, ...producing(place) }
  },
}

const recordBytes = 256 * 1024

/** Without sessions, encryption, chains, locks: what no recorder can do with less. */
const bare: Recorder = {
  name: 'bare kafkajs loop',
  start: async (place, corpus) => {
    const { engines, brokers, folder, name } = place
    const [broker] = engines.kafka.brokers as [string]
    const { endpoint, accessKeyId, secretAccessKey } = engines.s3
    await brokers.createTopic(name, partitions)
    const records = Math.ceil((await stat(corpus)).size / recordBytes)
    const sink = [endpoint, name, accessKeyId, secretAccessKey, `${records}`]
    const recorder = await startNode(place, 'recorder', [childScript('bare-record'), broker, name, ...sink], {})
    const source = [broker, name, corpus, join(folder, 'go')]
    const producer = await startNode(place, 'producer', [childScript('bare-produce'), ...source], {})
    return { topic: name, group: name, producer, recorder, framingCpuSeconds: 0, sessions: 0, ...producing(place) }
  },
}

export const recorders: Recorder[] = [bartizan, bare]

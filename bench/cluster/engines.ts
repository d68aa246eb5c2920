import { join } from 'node:path'
import { type Elasticsearch, startElasticsearch } from '../../scripts/engines/elasticsearch.ts'
import { type Kafka, startKafka } from '../../scripts/engines/kafka.ts'
import { startVersitygw, type Versitygw } from '../../scripts/engines/versitygw.ts'

/** The engines that product and peers share in a run: their own, on free ports, never those of anybody else. */
export type Engines = { kafka: Kafka; elasticsearch: Elasticsearch; s3: Versitygw; stop(): Promise<void> }

const kafkaJava = ['-Xms512m', '-Xmx512m', '-XX:+UseSerialGC']
const elasticsearchJava = ['-Xms1g', '-Xmx1g']

export const startEngines = async (folder: string, say: (line: string) => void): Promise<Engines> => {
  const started: { stop(): Promise<void> }[] = []
  const stop = async (): Promise<void> => {
    for (const engine of started.splice(0).reverse()) await engine.stop()
  }
  const keep = <T extends { stop(): Promise<void> }>(engine: T): T => {
    started.push(engine)
    return engine
  }
  try {
    say('starting Kafka, versitygw and Elasticsearch')
    const kafka = keep(await startKafka({ folder: join(folder, 'kafka'), brokers: 1, javaOptions: kafkaJava, say }))
    const s3 = keep(await startVersitygw({ folder: join(folder, 's3'), say }))
    const elasticsearch = keep(
      await startElasticsearch({ folder: join(folder, 'elastic'), javaOptions: elasticsearchJava, say }),
    )
    return { kafka, s3, elasticsearch, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

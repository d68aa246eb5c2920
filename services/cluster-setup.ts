import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Finding } from './finding.ts'
import type { Logger } from './log.ts'

/**
 * Makes topics, templates and bucket where they are missing; of what is there it changes terms of documents alone that an
 * older version wrote. For whoever administers them.
 */
export const setUpCluster = async (config: Config, log: Logger): Promise<void> => {
  const [{ setUpKafka }, { setUpElasticsearch }, { setUpBucket }] = await Promise.all([
    import('./bus/kafka-setup.ts'),
    import('./elastic/elastic-setup.ts'),
    import('./recordings/s3-bucket.ts'),
  ])
  const { retentionMs, maxRecordBytes } = config.bus
  await setUpKafka({ config: config.kafka, retentionMs, maxRecordBytes, log })
  await setUpElasticsearch(config.elasticsearch, log)
  await setUpBucket(config.s3)
}

/**
 * By engine, what is wrong with it as these credentials see it. One by one, because one that hangs must not hide what the
 * others say.
 */
export const inspectCluster = (
  config: Config,
  clock: Clock,
  log: Logger,
): Record<'kafka' | 's3' | 'elasticsearch', () => Promise<Finding[]>> => ({
  kafka: async () => {
    const { inspectKafka } = await import('./bus/kafka-setup.ts')
    const { retentionMs, maxRecordBytes } = config.bus
    return inspectKafka({ config: config.kafka, retentionMs, maxRecordBytes, log })
  },
  s3: async () => {
    const { inspectS3 } = await import('./recordings/s3-inspect.ts')
    return inspectS3(config.s3, clock)
  },
  elasticsearch: async () => {
    const { inspectElasticsearch } = await import('./elastic/elastic-inspect.ts')
    return inspectElasticsearch(config.elasticsearch, clock)
  },
})

/**
 * Lets users who are named as the roles do what these roles need: in Kafka by ACLs, in the store by the bucket's policy.
 * Elasticsearch has roles of its own for that (deploy/elasticsearch/roles.yml).
 */
export const grantCluster = async (config: Config, log: Logger): Promise<void> => {
  const [{ grantKafka }, { grantBucket }] = await Promise.all([
    import('./bus/kafka-grants.ts'),
    import('./recordings/s3-bucket-policy.ts'),
  ])
  const roles = ['receiver', 'ingest', 'detectors', 'delivery', 'viewer', 'custodian'] as const
  await grantKafka(config.kafka, new Map(roles.map((role) => [role, role])), log)
  await grantBucket(config.s3, { writer: 'ingest', reader: 'viewer', custodian: 'custodian' })
}

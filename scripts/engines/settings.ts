import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quote } from 'shell-quote'
import type { Services } from '#test/helpers/cluster.ts'

/** The settings with which Bartizan runs on these engines. The store's secret goes into a file of the folder. */
export const settingsFor = ({ kafka, s3, elasticsearch }: Services, folder: string): Record<string, string> => {
  const secretFile = join(folder, 's3-secret')
  writeFileSync(secretFile, s3.secretAccessKey, { mode: 0o600 })
  return {
    BARTIZAN_BACKEND: 'cluster',
    BARTIZAN_KAFKA_BROKERS: kafka.brokers.join(','),
    BARTIZAN_KAFKA_REPLICATION_FACTOR: kafka.brokers.length >= 3 ? '3' : '1',
    BARTIZAN_S3_ENDPOINT: s3.endpoint,
    BARTIZAN_S3_BUCKET: s3.bucket,
    BARTIZAN_S3_FORCE_PATH_STYLE: 'true',
    BARTIZAN_S3_ACCESS_KEY_ID: s3.accessKeyId,
    BARTIZAN_S3_SECRET_ACCESS_KEY_FILE: secretFile,
    BARTIZAN_ELASTICSEARCH_NODES: elasticsearch.url,
    BARTIZAN_ELASTICSEARCH_REPLICAS: '0',
  }
}

/** For `eval` of a POSIX shell. */
export const exportLines = (settings: Record<string, string>): string =>
  Object.entries(settings)
    .map(([name, value]) => `export ${name}=${quote([value])}\n`)
    .join('')

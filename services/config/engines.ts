import { z } from 'zod'
import { Flag } from '../schema/flag.ts'
import { int, list } from './fields.ts'

const tls = z
  .strictObject({
    enabled: Flag.default(false).describe('speak TLS'),
    caFile: z.string().optional().describe('certificates to trust; absent: those of the system'),
  })
  .prefault({})
export const Kafka = z.strictObject({
  brokers: list(z.string()).default(['127.0.0.1:9092']).describe('host:port of some brokers; they tell the rest'),
  topicPrefix: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,100}$/)
    .default('')
    .describe('before the name of every topic and group, where a cluster is shared'),
  partitions: int.min(1).max(1000).default(48).describe('per topic, fixed when the topic is made'),
  replicationFactor: int.min(1).max(7).default(3).describe('copies of every record; 1 only for a single broker'),
  username: z.string().optional().describe('SASL/SCRAM-SHA-512; absent: no authentication'),
  passwordFile: z.string().optional().describe('file with the password'),
  tls,
})
const s3Login = z
  .strictObject({
    accessKeyId: z.string().optional(),
    secretAccessKeyFile: z.string().optional().describe('file with the secret key'),
  })
  .prefault({})
export const S3 = z.strictObject({
  endpoint: z.url().optional().describe('absent: AWS'),
  region: z.string().default('us-east-1'),
  bucket: z.string().default('bartizan-evidence').describe('with versioning and Object Lock'),
  forcePathStyle: Flag.default(false).describe('bucket in the path, as most stores other than AWS want it'),
  accessKeyId: z.string().optional().describe("absent: the SDK's own ways to find credentials"),
  secretAccessKeyFile: z.string().optional().describe('file with the secret key'),
  custodian: s3Login.describe('of `bartizan custodian`, who holds evidence and keeps it longer; absent: those above'),
  disposer: s3Login.describe('of `bartizan dispose`, which deletes what is past its retention; absent: those above'),
})
export const Elasticsearch = z.strictObject({
  nodes: list(z.url()).default(['http://127.0.0.1:9200']),
  indexPrefix: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,60}$/)
    .default('bartizan')
    .describe('before the name of every index and template'),
  shards: int.min(1).max(100).default(1).describe('per index'),
  replicas: int.max(10).default(1).describe('per index; 0 only for a single node'),
  username: z.string().optional(),
  passwordFile: z.string().optional().describe('file with the password'),
  apiKeyFile: z.string().optional().describe('file with an API key, instead of a user'),
  caFile: z.string().optional().describe('certificates to trust; absent: those of the system'),
})

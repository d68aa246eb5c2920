import { readFileSync } from 'node:fs'
import type { Implementation, TestFn } from 'ava'
import { z } from 'zod'

/** The real engines that run beside the tests, as `scripts/services up --json` describes them. */
export const Services = z.object({
  kafka: z.object({ brokers: z.array(z.string()) }),
  s3: z.object({
    endpoint: z.url(),
    adminEndpoint: z.url(), // of versitygw, to make users
    adminCommand: z.string(),
    accessKeyId: z.string(), // of its root
    secretAccessKey: z.string(),
    bucket: z.string(),
  }),
  elasticsearch: z.object({ url: z.url() }),
})
export type Services = z.infer<typeof Services>

const file = process.env.TEST_SERVICES

/** Null: none were started. */
export const services: Services | null = file ? Services.parse(JSON.parse(readFileSync(file, 'utf8'))) : null

const reason = 'needs Kafka, S3 and Elasticsearch: `npm run test:cluster`'

/**
 * Declares tests that need the engines. Without them one skipped test says so; with BARTIZAN_REQUIRE_REAL=1
 * (continuous integration) it fails instead.
 */
export const onServices = (test: TestFn, declare: (services: Services) => void): void => {
  if (services !== null) declare(services)
  else if (process.env.BARTIZAN_REQUIRE_REAL === '1') test('on the real engines', (t) => t.fail(reason))
  else test.skip(`on the real engines (${reason})`, ((t) => t.fail()) as Implementation<[]>)
}

/** A name of a test's own, so that tests share the engines without meeting. */
export const ownName = (): string =>
  `t${process.pid}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`

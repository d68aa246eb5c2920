import { createRequire } from 'node:module'
import test from 'ava'
import { pino } from 'pino'
import { createKafkaClient } from '#services/bus/kafka-client.ts'
import { loadConfig } from '#services/config.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { until } from '#test/helpers/until.ts'

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
  prototype: { checkPendingRequests(): void }
}

onServices(test, ({ kafka: { brokers } }) => {
  test.serial('a connection that has nothing to send does not look for something to send', async (t) => {
    const config = loadConfig(undefined, { BARTIZAN_KAFKA_BROKERS: brokers.join(',') }).kafka
    const admin = createKafkaClient(config, pino({ level: 'silent' })).admin()
    await admin.connect()
    t.teardown(() => admin.disconnect())
    await admin.listTopics()
    const original = prototype.checkPendingRequests
    let looks = 0
    prototype.checkPendingRequests = function () {
      looks++
      original.call(this)
    }
    t.teardown(() => {
      prototype.checkPendingRequests = original
    })
    const sinceMs = Date.now()
    await until(() => Date.now() - sinceMs > 300)
    t.true(looks < 5, `${looks} times in 300 ms`)
    await admin.listTopics()
  })
})

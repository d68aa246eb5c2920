import { fileURLToPath } from 'node:url'
import test from 'ava'
import { busContract } from '#test/contract/bus.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { ownKafkaPlace } from '#test/helpers/open-kafka-bus.ts'

const module = fileURLToPath(new URL('../../helpers/open-kafka-bus.ts', import.meta.url))

onServices(test, ({ kafka }) => {
  busContract(test, async (t) => {
    const { settings, open } = ownKafkaPlace(t, kafka.brokers)
    return { open, inChild: { module, factory: 'openKafkaBus', options: settings } }
  })
})

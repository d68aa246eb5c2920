import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { until } from '#test/helpers/until.ts'
import { httpReceiver } from '#test/services/sinks/http-receiver.ts'
import { commandEvent, newPlace, produceEvents, startDelivery } from './place.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const usedBytes = (): number => {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test('what waits for a destination that is away does not pile up in memory', async (t) => {
  const { bus, state, folder } = await newPlace(t)
  const receiver = await httpReceiver(t)
  receiver.answer = (_received, response) => response.writeHead(503).end()
  const secretFile = join(folder, 'secret')
  await writeFile(secretFile, `whsec_${randomBytes(32).toString('base64')}`)
  const hook = { name: 'soar', type: 'webhook', url: receiver.url, secretFiles: [secretFile], allowPrivate: true }
  await startDelivery(t, { bus, state }, [{ ...hook, send: { events: 'all' } }])
  const chunk = Array.from({ length: 20 }, (_, n) => commandEvent(n, { line: 'y'.repeat(50_000) }))
  const produce = async (chunks: number) => {
    for (let n = 0; n < chunks; n++) await produceEvents(bus, chunk)
  }
  // The bus keeps its last records in memory, up to a bound: that is filled first.
  await produce(40)
  await until(() => receiver.received.length > 0, { limitMs: 30_000 })
  receiver.received.length = 0
  const before = usedBytes()
  await produce(80)
  await until(() => receiver.received.length > 0, { limitMs: 60_000 })
  receiver.received.length = 0
  const grownBytes = usedBytes() - before
  t.log({ producedBytes: 80 * 20 * 50_000, grownBytes })
  t.true(grownBytes < 20_000_000, `${grownBytes} bytes more`)
})

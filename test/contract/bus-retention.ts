import type { TestFn } from 'ava'
import { type MakeRetainingBusPlace, numbers, record, textOf, until, watch } from './bus-place.ts'

/** What a bus does that knows its groups when it removes records. Kafka removes by age alone. */
export const retentionContract = (test: TestFn, make: MakeRetainingBusPlace): void => {
  test('retention never removes what one of the groups has not committed', async (t) => {
    const place = await make(t)
    const first = await place.open()
    const placed = await first.produce(numbers(200).map((n) => record('k', `${n}`.padStart(500))))
    const [quick, slow] = [await watch(first, 'quick', {}), await watch(first, 'slow', {})]
    await until(() => quick.records.length >= 200 && slow.records.length >= 200)
    await quick.subscription.commit(placed[0]!, 200)
    await slow.subscription.commit(placed[0]!, 80)
    await first.close()
    const later = await place.openAfterRetention()
    t.teardown(() => later.close())
    const again = await watch(later, 'slow', {})
    await until(() => again.records.length >= 120)
    t.deepEqual(again.records.map(textOf).map(Number), numbers(200).slice(80))
  })
}

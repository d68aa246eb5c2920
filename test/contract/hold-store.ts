import type { ExecutionContext, TestFn } from 'ava'
import type { HoldStore } from '#services/recordings/hold-store.ts'
import type { RecordingStore } from '#services/recordings/recording-store.ts'

/** One empty store of evidence; `open` opens it as the recorder and as the custodian, again after a close. */
export type HoldPlace = { open(): Promise<{ recordings: RecordingStore; holds: HoldStore }> }
export type MakeHoldPlace = (t: ExecutionContext<unknown>) => Promise<HoldPlace>

const year = { retainUntil: new Date('2031-01-01T00:00:00Z') }
const prefix = 'evidence/v1/2026-01-02/s1/'
const key = `${prefix}000000000000`
const next = `${prefix}000000000007`

const opened = async (t: ExecutionContext<unknown>, place: HoldPlace) => {
  const stores = await place.open()
  t.teardown(async () => {
    await stores.holds.close()
    await stores.recordings.close()
  })
  return stores
}

/** What every hold store does. */
export const holdStoreContract = (test: TestFn, make: MakeHoldPlace): void => {
  test('a hold is set, let go of and set again, each any number of times, and outlives a reopen', async (t) => {
    const place = await make(t)
    const { recordings, holds } = await opened(t, place)
    await recordings.put(key, Buffer.from('x'), year)
    t.false(await holds.isHeld(key))
    for (const on of [true, true, false, false, true]) {
      await holds.setHold(key, on)
      t.is(await holds.isHeld(key), on)
    }
    t.true(await (await opened(t, place)).holds.isHeld(key))
    t.deepEqual((await recordings.head(key))?.retainUntil, year.retainUntil, 'its date is as it was')
    t.is(Buffer.from(await recordings.get(key)).toString(), 'x')
  })

  test('the keys of a prefix are told in order, held or not, and nothing else', async (t) => {
    const { recordings, holds } = await opened(t, await make(t))
    for (const each of [next, key, 'evidence/v1/2026-01-02/s2/000000000000'])
      await recordings.put(each, Buffer.from('x'), year)
    await holds.setHold(next, true)
    t.deepEqual(await Array.fromAsync(holds.keys(prefix)), [key, next])
    t.deepEqual(await Array.fromAsync(holds.keys('evidence/v1/2025-01-01/')), [])
    t.false(await holds.isHeld(key), 'each key has a hold of its own')
    const listed = await recordings.list(prefix, { limit: 10 })
    t.deepEqual(
      listed.map((object) => object.key),
      [key, next],
    )
  })

  test('the custodian keeps evidence longer, never shorter', async (t) => {
    const { recordings, holds } = await opened(t, await make(t))
    await recordings.put(key, Buffer.from('x'), year)
    await holds.extendRetention(key, new Date('2033-01-01T00:00:00Z'))
    await holds.extendRetention(key, new Date('2032-01-01T00:00:00Z'))
    t.deepEqual((await recordings.head(key))?.retainUntil, new Date('2033-01-01T00:00:00Z'))
  })

  test('what does not stand cannot be held, and what is no key is refused', async (t) => {
    const { holds } = await opened(t, await make(t))
    for (const act of [holds.isHeld(key), holds.setHold(key, true), holds.extendRetention(key, year.retainUntil)])
      await t.throwsAsync(act, { code: 'BTZ_RECORDING_NOT_FOUND' })
    await t.throwsAsync(holds.setHold('keys/master.key', true), { code: 'BTZ_RECORDING_KEY_INVALID' })
  })
}

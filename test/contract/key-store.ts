import type { ExecutionContext, TestFn } from 'ava'
import type { KeyId, KeyStore } from '#services/keys/key-store.ts'

/** What every key store does. `open` opens one and the same place, again or a second time beside the first. */
export type KeyPlace = {
  open(): Promise<KeyStore>
  /** What an intruder with write access would do: the stored form of `from` stands where that of `to` stood. */
  swap(from: KeyId, to: KeyId): Promise<void>
}
export type MakeKeyPlace = (t: ExecutionContext<unknown>) => Promise<KeyPlace>

const session = (n: number): KeyId => `session:0197a1b2-0000-7000-8000-${String(n).padStart(12, '0')}`
const why = { reason: 'request of the data subject', actor: 'dana', at: new Date('2026-03-01T00:00:00Z') }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const keepingContract = (test: TestFn, make: MakeKeyPlace): void => {
  test('an id has one key of 32 bytes, another id another', async (t) => {
    const store = await (await make(t)).open()
    const key = await store.obtain(session(1))
    t.is(key.length, 32)
    t.is(hex(await store.obtain(session(1))), hex(key))
    t.is(hex(await store.get(session(1))), hex(key))
    t.not(hex(await store.obtain(session(2))), hex(key))
    t.not(hex(await store.obtain('bastion:jump1:2026-03-01')), hex(await store.obtain('bastion:jump1:2026-03-02')))
    await store.close()
  })

  test('24 callers at once, through three openings, get the same key', async (t) => {
    const place = await make(t)
    const stores = await Promise.all([place.open(), place.open(), place.open()])
    const keys = await Promise.all(Array.from({ length: 24 }, (_, n) => stores[n % 3]!.obtain(session(1))))
    t.is(new Set(keys.map(hex)).size, 1)
    for (const store of stores) await store.close()
  })

  test('a key survives a reopen', async (t) => {
    const place = await make(t)
    const first = await place.open()
    const key = await first.obtain(session(1))
    await first.close()
    const second = await place.open()
    t.is(hex(await second.get(session(1))), hex(key))
    await second.close()
  })

  test('a caller that wipes its copy of a key does not wipe the key', async (t) => {
    const store = await (await make(t)).open()
    const key = await store.obtain(session(1))
    const before = hex(key)
    key.fill(0)
    t.is(hex(await store.get(session(1))), before)
    await store.close()
  })

  test('get makes no key, and what is not a key id is refused', async (t) => {
    const store = await (await make(t)).open()
    await t.throwsAsync(store.get(session(1)), { code: 'BTZ_KEY_NOT_FOUND' })
    await t.throwsAsync(store.get(session(1)), { code: 'BTZ_KEY_NOT_FOUND' })
    for (const bad of ['', 'session:', '../../x', `session:${'x'.repeat(600)}`]) {
      await t.throwsAsync(store.obtain(bad as KeyId), { code: 'BTZ_KEY_INVALID' }, bad)
    }
    await store.close()
  })

  test('a key in the place of another is not taken for it', async (t) => {
    const place = await make(t)
    const first = await place.open()
    await first.obtain(session(1))
    await first.obtain(session(2))
    await first.close()
    await place.swap(session(1), session(2))
    const second = await place.open()
    await t.throwsAsync(second.get(session(2)), { code: 'BTZ_KEY_INVALID' })
    await t.throwsAsync(second.obtain(session(2)), { code: 'BTZ_KEY_INVALID' })
    await second.close()
  })
}

const destroyingContract = (test: TestFn, make: MakeKeyPlace): void => {
  test('a destroyed key never comes back, nor does another under its id', async (t) => {
    const place = await make(t)
    const first = await place.open()
    await first.obtain(session(1))
    const other = await first.obtain(session(2))
    await first.destroy(session(1), why)
    for (const call of [first.get(session(1)), first.obtain(session(1))]) {
      await t.throwsAsync(call, { code: 'BTZ_KEY_DESTROYED' })
    }
    await first.close()
    const second = await place.open()
    for (const call of [second.get(session(1)), second.obtain(session(1))]) {
      await t.throwsAsync(call, { code: 'BTZ_KEY_DESTROYED' })
    }
    t.is(hex(await second.get(session(2))), hex(other))
    await second.close()
  })

  test('an id without a key can be destroyed beforehand, and twice', async (t) => {
    const store = await (await make(t)).open()
    await store.destroy(session(1), why)
    await store.destroy(session(1), why)
    await t.throwsAsync(store.obtain(session(1)), { code: 'BTZ_KEY_DESTROYED' })
    await store.close()
  })

  test('whatever obtain answers while the key is destroyed, afterwards there is none', async (t) => {
    const place = await make(t)
    const [one, two] = [await place.open(), await place.open()]
    for (let n = 0; n < 10; n++) {
      const answers = await Promise.allSettled([
        one.obtain(session(n)),
        two.destroy(session(n), why),
        one.obtain(session(n)),
      ])
      for (const answer of answers) if (answer.status === 'rejected') t.is(answer.reason.code, 'BTZ_KEY_DESTROYED')
      const third = await place.open()
      await t.throwsAsync(third.obtain(session(n)), { code: 'BTZ_KEY_DESTROYED' })
      await third.close()
    }
    await Promise.all([one.close(), two.close()])
  })
}

export const keyStoreContract = (test: TestFn, make: MakeKeyPlace): void => {
  keepingContract(test, make)
  destroyingContract(test, make)
}

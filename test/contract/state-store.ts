import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext, TestFn } from 'ava'
import type { StateStore } from '#services/state/state-store.ts'

/** What every state store does. `open` opens one and the same place; a child process does so by import and arguments. */
export type StatePlace = {
  open(): Promise<StateStore>
  inChild: { module: string; factory: string; options: unknown }
}
export type MakeStatePlace = (t: ExecutionContext<unknown>) => Promise<StatePlace>

const childFile = fileURLToPath(new URL('./state-store-child.ts', import.meta.url))
const conflict = { code: 'BTZ_STATE_CONFLICT' }

const opened = async (t: ExecutionContext<unknown>, make: MakeStatePlace): Promise<StateStore> => {
  const store = await (await make(t)).open()
  t.teardown(() => store.close())
  return store
}

const revisionContract = (test: TestFn, make: MakeStatePlace): void => {
  test('a value is read back with the revision that put returned', async (t) => {
    const store = await opened(t, make)
    const value = { text: 'ä "quoted" \u2028 😀', list: [1, null, { deep: true }], empty: {} }
    const revision = await store.put('notes/1', value)
    t.deepEqual(await store.get('notes/1'), { key: 'notes/1', value, revision })
    for (const plain of [null, 0, '', false, []]) {
      await store.put('plain', plain)
      t.deepEqual((await store.get('plain'))?.value, plain)
    }
    t.is(await store.get('notes/2'), null)
  })

  test('what was replaced or deleted is expunged, and what stands stays', async (t) => {
    const store = await opened(t, make)
    await store.put('notes/1', 'before')
    const revision = await store.put('notes/1', 'after')
    await store.put('notes/2', 'gone')
    await store.delete('notes/2')
    await store.expunge()
    t.deepEqual(await store.list('notes/', { limit: 10 }), [{ key: 'notes/1', value: 'after', revision }])
    t.true((await store.put('notes/1', 'later', { ifRevision: revision })) > revision)
  })

  test('revisions of a key grow with every put', async (t) => {
    const store = await opened(t, make)
    const first = await store.put('a', 1)
    const second = await store.put('a', 1)
    t.true(first > 0 && second > first)
  })

  test('a put on a condition that does not hold changes nothing', async (t) => {
    const store = await opened(t, make)
    await t.throwsAsync(store.put('a', 'x', { ifRevision: 7 }), conflict)
    const first = await store.put('a', 'one', { ifRevision: 0 })
    await t.throwsAsync(store.put('a', 'x', { ifRevision: 0 }), conflict)
    const second = await store.put('a', 'two', { ifRevision: first })
    await t.throwsAsync(store.put('a', 'x', { ifRevision: first }), conflict)
    t.deepEqual(await store.get('a'), { key: 'a', value: 'two', revision: second })
  })

  test('delete takes conditions too, and what is gone can be made anew', async (t) => {
    const store = await opened(t, make)
    const revision = await store.put('a', 1)
    await t.throwsAsync(store.delete('a', { ifRevision: revision + 1 }), conflict)
    await store.delete('a', { ifRevision: revision })
    t.is(await store.get('a'), null)
    await t.throwsAsync(store.delete('a', { ifRevision: revision }), conflict)
    await store.delete('a')
    await t.notThrowsAsync(store.put('a', 2, { ifRevision: 0 }))
  })

  test('a revision of a deleted entry is not valid for its successor', async (t) => {
    const store = await opened(t, make)
    const old = await store.put('a', 'first life')
    await store.delete('a')
    await store.put('a', 'second life')
    await t.throwsAsync(store.put('a', 'x', { ifRevision: old }), conflict)
    await t.throwsAsync(store.delete('a', { ifRevision: old }), conflict)
  })

  test('of 24 who change the same revision one succeeds', async (t) => {
    const place = await make(t)
    const stores = await Promise.all([place.open(), place.open()])
    const revision = await stores[0]!.put('a', 'start')
    const results = await Promise.allSettled(
      Array.from({ length: 24 }, (_, n) => stores[n % 2]!.put('a', n, { ifRevision: revision })),
    )
    t.is(results.filter((result) => result.status === 'fulfilled').length, 1)
    for (const result of results) if (result.status === 'rejected') t.is(result.reason.code, 'BTZ_STATE_CONFLICT')
    const winner = results.findIndex((result) => result.status === 'fulfilled')
    t.is((await stores[1]!.get('a'))?.value, winner)
    for (const store of stores) await store.close()
  })
}

const listContract = (test: TestFn, make: MakeStatePlace): void => {
  test('list gives the entries of a prefix in key order, in pages without loss or repetition', async (t) => {
    const store = await opened(t, make)
    const names = [
      'tokens/b',
      'tokens/',
      'tokens/a',
      'tokens/a/1',
      'tokens/😀',
      'tokens/\uffee',
      'token',
      'tokens0',
      'tokenr/x',
    ]
    for (const name of names) await store.put(name, name)
    const expected = ['tokens/', 'tokens/a', 'tokens/a/1', 'tokens/b', 'tokens/\uffee', 'tokens/😀'] // by code point
    for (const limit of [1, 2, 10]) {
      const seen: string[] = []
      for (let page = await store.list('tokens/', { limit }); page.length > 0; ) {
        t.true(page.length <= limit)
        seen.push(...page.map((entry) => entry.key))
        page = await store.list('tokens/', { limit, after: seen.at(-1)! })
      }
      t.deepEqual(seen, expected, `limit ${limit}`)
    }
    t.is((await store.list('', { limit: 100 })).length, names.length)
    t.deepEqual(await store.list('nothing', { limit: 10 }), [])
  })

  test('keys and values that cannot be kept as they are, are refused', async (t) => {
    const store = await opened(t, make)
    for (const key of ['', 'x'.repeat(513), 'a\0b', 'a\nb', '\ud800', 'a\u{10ffff}']) {
      await t.throwsAsync(store.put(key, 1), { code: 'BTZ_REQUEST_INVALID' }, JSON.stringify(key))
      await t.throwsAsync(store.get(key), { code: 'BTZ_REQUEST_INVALID' }, JSON.stringify(key))
    }
    await t.throwsAsync(store.put('a', undefined), { code: 'BTZ_REQUEST_INVALID' })
    await t.throwsAsync(store.put('a', 'x'.repeat(17 * 1024 * 1024)), { code: 'BTZ_PAYLOAD_TOO_LARGE' })
    t.deepEqual(await store.list('', { limit: 10 }), [])
  })
}

const durabilityContract = (test: TestFn, make: MakeStatePlace): void => {
  test('after a reopen values and revisions stand, and revisions go on growing', async (t) => {
    const place = await make(t)
    const first = await place.open()
    const revision = await first.put('a', 'kept')
    await first.put('b', 'gone')
    await first.delete('b')
    await first.close()
    const second = await place.open()
    t.deepEqual(await second.get('a'), { key: 'a', value: 'kept', revision })
    t.is(await second.get('b'), null)
    t.true((await second.put('a', 'changed', { ifRevision: revision })) > revision)
    await second.close()
  })

  test('calls after a close are refused', async (t) => {
    const store = await (await make(t)).open()
    await store.close()
    await store.close()
    await t.throwsAsync(store.get('a'), { code: 'BTZ_UNAVAILABLE' })
  })

  test('calls made before a close are answered', async (t) => {
    const store = await (await make(t)).open()
    const puts = Array.from({ length: 20 }, (_, n) => store.put(`a/${n}`, n))
    await store.close()
    t.is((await Promise.all(puts)).length, 20)
  })

  test('kill -9 loses nothing that was acknowledged', async (t) => {
    const { open, inChild } = await make(t)
    const child = spawn(
      process.execPath,
      [childFile, inChild.module, inChild.factory, JSON.stringify(inChild.options)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    t.teardown(() => child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    let acknowledged = -1
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line)
      if (acknowledged === 40) child.kill('SIGKILL')
    }
    await exited
    t.true(acknowledged >= 40)
    const store = await open()
    for (let n = 0; n <= acknowledged; n++) t.deepEqual((await store.get(`entry/${n}`))?.value, { n })
    t.true(((await store.get('latest'))?.value as number) >= acknowledged)
    await t.notThrowsAsync(store.put('after', 1))
    await store.close()
  })
}

export const stateStoreContract = (test: TestFn, make: MakeStatePlace): void => {
  for (const part of [revisionContract, listContract, durabilityContract]) part(test, make)
}

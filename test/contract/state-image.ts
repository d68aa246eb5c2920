import type { ExecutionContext, TestFn } from 'ava'
import { backupState } from '#services/backup/backup-state.ts'
import { restoreState } from '#services/backup/restore-state.ts'
import type { ImageEntry, StateImage } from '#services/backup/state-image.ts'
import { systemClock } from '#services/clock.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

/** The state of one place, as a whole and as a store; `another`: an empty place of the same kind. */
export type ImagePlace = { image: StateImage; open(): Promise<StateStore>; another(): Promise<ImagePlace> }
export type MakeImagePlace = (t: ExecutionContext<unknown>) => Promise<ImagePlace>

const passphrase = 'twenty characters and more'
const entries = [
  { key: 'custody/a', value: { holds: [{ reason: 'a case' }] } },
  { key: 'detectors/entity/x', value: { zstd: 'x'.repeat(3_000_000) } },
  { key: 'sinks/siem/cursor', value: { n: 7 } },
  { key: 'tokens/0123', value: { hash: 'aa', name: 'Zoë \u{1f512}' } },
  { key: 'triage/1', value: [1, 'two', null] },
]
const leftOut = [
  'browser-sessions/x',
  'enrolment-codes/b/x',
  'heartbeats/b',
  'login-links/x',
  'shares/x',
  'sinks/siem/lease',
]

const noEvidence = { list: async () => [], get: async () => new Uint8Array(0) }
const options = { evidence: noEvidence, verifier: null, passphrase, dryRun: false, force: false, progress: () => {} }
const saved = async (t: ExecutionContext<unknown>, image: StateImage): Promise<string> => {
  const file = `${await temporaryFolder(t)}/state.backup`
  await backupState({ image, file, passphrase, clock: systemClock, progress: () => {} })
  return file
}
const everything = async (state: StateStore) =>
  (await state.list('', { limit: 100 })).map(({ key, value }) => ({ key, value }))
const filled = async (place: ImagePlace): Promise<StateStore> => {
  const state = await place.open()
  for (const { key, value } of entries) await state.put(key, value)
  for (const key of leftOut) await state.put(key, { n: 1 })
  return state
}

export const stateImageContract = (test: TestFn, make: MakeImagePlace): void => {
  test('all that people made comes back into an empty place, and nothing that opens a door once', async (t) => {
    const place = await make(t)
    const state = await filled(place)
    const file = await saved(t, place.image)
    const next = await place.another()
    const dry = await restoreState({ ...options, image: next.image, file, dryRun: true })
    t.like(dry, { entries: entries.length, replaced: 0 })
    t.is(await next.image.count(), 0)
    await restoreState({ ...options, image: next.image, file })
    const restored = await next.open()
    t.deepEqual(await everything(restored), entries)
    const revision = await restored.put('triage/1', 'decided anew', {
      ifRevision: (await restored.get('triage/1'))!.revision,
    })
    t.like(await restored.get('triage/1'), { value: 'decided anew', revision })
    await restored.put('approvals/new', 1, { ifRevision: 0 })
    t.is((await restored.list('', { limit: 100 })).length, entries.length + 1)
    for (const each of [place.image, next.image, state, restored]) await each.close()
  })

  test('what is written while it is read is not in it', async (t) => {
    const { image, open } = await make(t)
    const state = await open()
    for (let n = 0; n < 210; n++) await state.put(`entry/${String(n).padStart(3, '0')}`, 'before')
    const seen: ImageEntry[] = []
    for await (const entry of image.entries()) {
      if (seen.length === 0) {
        await state.put('entry/209', 'after')
        await state.delete('entry/208')
        await state.put('entry/900', 'after')
      }
      seen.push(entry)
    }
    t.is(seen.length, 210)
    t.true(seen.every(({ value }) => value === '"before"'))
    await image.close()
    await state.close()
  })

  test('state that is there is replaced only by force, and then as a whole; so it can be a second time', async (t) => {
    const place = await make(t)
    const state = await filled(place)
    const file = await saved(t, place.image)
    await state.put('tokens/4567', { name: 'made since' })
    await state.close()
    await t.throwsAsync(restoreState({ ...options, image: place.image, file }), { code: 'BTZ_STATE_CONFLICT' })
    for (let round = 0; round < 2; round++) {
      await restoreState({ ...options, image: place.image, file, force: true })
      const after = await place.open()
      t.deepEqual(await everything(after), entries)
      await after.put('tokens/89ab', {})
      await after.close()
    }
    await place.image.close()
  })
}

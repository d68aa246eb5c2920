import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { backupState } from '#services/backup/backup-state.ts'
import { restoreState } from '#services/backup/restore-state.ts'
import { openSqliteStateImage } from '#services/backup/sqlite-state-image.ts'
import { systemClock } from '#services/clock.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { type ImagePlace, stateImageContract } from '#test/contract/state-image.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { erasureOf, evidenceOf, keyPlace, noEvidence, passphrase, session } from './key-place.ts'

const placeOf = async (t: Teardown): Promise<ImagePlace> => {
  const file = join(await temporaryFolder(t), 'state.db')
  return {
    image: openSqliteStateImage(file),
    open: () => createSqliteStateStore({ file }),
    another: () => placeOf(t),
  }
}
stateImageContract(test, placeOf)

const child = fileURLToPath(new URL('./restore-child.ts', import.meta.url))

test('a restore that is killed in the middle leaves the old state whole, and revisions are not given out twice', async (t) => {
  const folder = await temporaryFolder(t)
  const [stateFile, file] = [join(folder, 'state.db'), join(folder, 'a.backup')]
  const image = openSqliteStateImage(stateFile)
  const state = await createSqliteStateStore({ file: stateFile })
  for (let n = 0; n < 40; n++) await state.put(`old/${n}`, n)
  await backupState({ image, file, passphrase, clock: systemClock, progress: () => {} })
  for (let n = 0; n < 40; n++) await state.delete(`old/${n}`)
  const newest = await state.put('newer', 'than the backup')
  await state.close()

  const killed = spawn(process.execPath, [child, stateFile, file, passphrase], { stdio: 'ignore' })
  const [, signal] = await once(killed, 'exit')
  t.is(signal, 'SIGKILL')
  const after = await createSqliteStateStore({ file: stateFile })
  t.deepEqual(await after.list('', { limit: 100 }), [{ key: 'newer', value: 'than the backup', revision: newest }])
  await after.close()

  const options = { evidence: noEvidence, verifier: null, passphrase, dryRun: false, force: true, progress: () => {} }
  await restoreState({ ...options, image, file })
  const restored = await createSqliteStateStore({ file: stateFile })
  const all = await restored.list('', { limit: 100 })
  t.is(all.length, 40)
  t.true(all.every(({ revision }) => revision > newest))
  await restored.close()
})

test('what was decided about evidence after the backup is named, where the key of the log signed it', async (t) => {
  const { log, root } = await keyPlace(t)
  const [image, file] = [openSqliteStateImage(join(root, 'state.db')), join(root, 'a.backup')]
  const before = erasureOf(session(1))
  await until(async () => Date.now() > Date.parse(before.at), { limitMs: 30_000 })
  await backupState({ image, file, passphrase, clock: systemClock, progress: () => {} })
  const since = erasureOf(session(2))
  const evidence = evidenceOf([before, since].map((act) => ({ act, signer: log })))
  const options = { passphrase, dryRun: true, force: false, progress: () => {} }
  const done = await restoreState({ ...options, image, file, evidence, verifier: verifierOf(log) })
  t.deepEqual(done.unknownActs, [{ kind: 'erasure', sessionId: session(2).slice('session:'.length), at: since.at }])
  t.deepEqual(done.unproven, [])
  const unproven = await restoreState({ ...options, image, file, evidence, verifier: null })
  t.deepEqual([unproven.unknownActs.length, unproven.unproven.length], [0, 1])
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { backupState } from '#services/backup/backup-state.ts'
import { restoreState } from '#services/backup/restore-state.ts'
import { openSqliteStateImage } from '#services/backup/sqlite-state-image.ts'
import { systemClock } from '#services/clock.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { type ImagePlace, stateImageContract } from '#test/contract/state-image.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { noEvidence, passphrase } from './key-place.ts'

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

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext, type TestFn } from 'ava'
import { backupState } from '#services/backup/backup-state.ts'
import { openElasticStateImage } from '#services/backup/elastic-state-image.ts'
import { restoreState } from '#services/backup/restore-state.ts'
import { systemClock } from '#services/clock.ts'
import { type ImagePlace, stateImageContract } from '#test/contract/state-image.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { ownElastic } from '#test/helpers/open-elastic-catalog.ts'
import { openElasticState } from '#test/helpers/open-elastic-state.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { noEvidence, passphrase } from './key-place.ts'

const child = fileURLToPath(new URL('./restore-child.ts', import.meta.url))

onServices(test, ({ elasticsearch: { url } }) => {
  const placeOf = async (t: ExecutionContext<unknown>): Promise<ImagePlace> => {
    const config = ownElastic(t, url)
    await (await openElasticState(config)).close() // its template
    return {
      image: openElasticStateImage(config),
      open: () => openElasticState(config),
      another: () => placeOf(t),
    }
  }
  stateImageContract(test.serial as TestFn, placeOf)

  test.serial(
    'a restore that is killed in the middle leaves the old state whole, and the next one is done',
    async (t) => {
      const config = ownElastic(t, url)
      const [state, image] = [await openElasticState(config), openElasticStateImage(config)]
      const file = join(await temporaryFolder(t), 'a.backup')
      for (let n = 0; n < 40; n++) await state.put(`old/${n}`, n)
      await backupState({ image, file, passphrase, clock: systemClock, progress: () => {} })
      await state.put('newer', 'than the backup')
      const killed = spawn(process.execPath, [child, JSON.stringify(config), file, passphrase], { stdio: 'ignore' })
      t.is((await once(killed, 'exit'))[1], 'SIGKILL')
      t.is((await state.list('', { limit: 100 })).length, 41)
      const options = {
        evidence: noEvidence,
        verifier: null,
        passphrase,
        dryRun: false,
        force: true,
        progress: () => {},
      }
      await restoreState({ ...options, image, file })
      t.is((await state.list('', { limit: 100 })).length, 40)
      await state.close()
      await image.close()
    },
  )

  test.serial('nothing changes where reading a backup fails in the middle, or somebody writes meanwhile', async (t) => {
    const { image, open } = await placeOf(t)
    const state = await open()
    await state.put('old', 1)
    const failing = async function* () {
      yield { key: 'new', value: '1' }
      throw new Error('as of a disk')
    }
    await t.throwsAsync(image.replace(failing(), 0), { message: 'as of a disk' })
    const written = async function* () {
      yield { key: 'new', value: '1' }
      await state.put('newer', 2)
    }
    await t.throwsAsync(image.replace(written(), 0), { code: 'BTZ_STATE_CONFLICT' })
    t.deepEqual(
      (await state.list('', { limit: 10 })).map(({ key }) => key),
      ['newer', 'old'],
    )
    t.is(
      await image.replace(
        (async function* () {
          yield { key: 'restored', value: '3' }
        })(),
        0,
      ),
      1,
    )
    t.deepEqual(
      (await state.list('', { limit: 10 })).map(({ key }) => key),
      ['restored'],
    )
    await state.close()
    await image.close()
  })
})

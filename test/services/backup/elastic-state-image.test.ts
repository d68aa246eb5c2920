import test, { type ExecutionContext, type TestFn } from 'ava'
import { openElasticStateImage } from '#services/backup/elastic-state-image.ts'
import { type ImagePlace, stateImageContract } from '#test/contract/state-image.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { ownElastic } from '#test/helpers/open-elastic-catalog.ts'
import { openElasticState } from '#test/helpers/open-elastic-state.ts'

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

  test.serial('nothing changes where a restore ends in the middle, or somebody writes meanwhile', async (t) => {
    const { image, open } = await placeOf(t)
    const state = await open()
    await state.put('old', 1)
    const failing = async function* () {
      yield { key: 'new', value: '1' }
      throw new Error('as if killed')
    }
    await t.throwsAsync(image.replace(failing(), 0), { message: 'as if killed' })
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

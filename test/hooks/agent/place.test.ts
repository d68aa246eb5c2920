import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import test from 'ava'
import { type Place, takeLeftPlaces, takePlace } from '#hooks/agent/place.ts'
import { BartizanError } from '#services/errors.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const named = (folder: string, place: Place): string => (place.folder === folder ? '.' : basename(place.folder))

test('one agent per folder, where none may stand beside it', async (t) => {
  const folder = await temporaryFolder(t)
  const { lock } = await takePlace(folder, false)
  await t.throwsAsync(takePlace(folder, false), { code: 'BTZ_DATA_LOCKED' })
  await lock.release()
  await (await takePlace(folder, false)).lock.release()
})

test('agents that overlap have a place each; one that is free again is taken first', async (t) => {
  const folder = await temporaryFolder(t)
  const places = [await takePlace(folder, true), await takePlace(folder, true), await takePlace(folder, true)]
  t.deepEqual(
    places.map((place) => named(folder, place)),
    ['.', 'beside-2', 'beside-3'],
  )
  await places[1]!.lock.release()
  const again = await takePlace(folder, true)
  t.is(named(folder, again), 'beside-2')
  for (const { lock } of [places[0]!, again, places[2]!]) await lock.release()
})

test('more agents than there are places: the next one is refused, with what to do', async (t) => {
  const folder = await temporaryFolder(t)
  const places: Place[] = []
  for (let n = 0; n < 16; n++) places.push(await takePlace(folder, true))
  t.is(new Set(places.map((place) => place.folder)).size, 16)
  const error = await t.throwsAsync(takePlace(folder, true), { instanceOf: BartizanError, code: 'BTZ_DATA_LOCKED' })
  t.regex(error?.hint ?? '', /end the oldest/)
  for (const { lock } of places) await lock.release()
})

test('left places are those with a spool that nobody holds, never the own one', async (t) => {
  const folder = await temporaryFolder(t)
  for (const name of ['spool', 'beside-2/spool', 'beside-4/spool', 'beside-777/spool', 'openssh/spool'])
    await mkdir(join(folder, name), { recursive: true })
  await mkdir(join(folder, 'beside-3')) // no spool
  const main = await takePlace(folder, true)
  const own = await takePlace(folder, true)
  t.is(named(folder, own), 'beside-2')
  const left: string[] = []
  for await (const place of takeLeftPlaces(folder, own)) {
    left.push(named(folder, place))
    await place.lock.release()
  }
  t.deepEqual(left, ['beside-4'])
  await main.lock.release()
  const first = await takeLeftPlaces(folder, own).next()
  t.is(named(folder, first.value as Place), '.')
  await (first.value as Place).lock.release()
  await own.lock.release()
})

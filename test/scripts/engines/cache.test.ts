import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { cacheFolder, installed } from '../../../scripts/engines/cache.ts'

const silent = () => {}

/** The environment belongs to the thread of this file; its tests run one after the other. */
const ownCache = async (t: ExecutionContext): Promise<string> => {
  process.env.XDG_CACHE_HOME = await temporaryFolder(t)
  return cacheFolder()
}

test.serial('runs that want the same at once install it once', async (t) => {
  const cache = await ownCache(t)
  let fills = 0
  const fill = async (folder: string) => {
    fills++
    await writeFile(join(folder, 'program'), 'whole')
  }
  const installation = { name: 'engine-1.0', effort: 'nothing', fill }
  const folders = await Promise.all(Array.from({ length: 4 }, () => installed(installation, silent)))
  t.deepEqual(new Set(folders), new Set([join(cache, 'engine-1.0')]))
  t.is(fills, 1)
  t.is(await readFile(join(cache, 'engine-1.0', 'program'), 'utf8'), 'whole')
})

test.serial('an installation that fails leaves nothing, and the next one is tried anew', async (t) => {
  const cache = await ownCache(t)
  const fill = async (folder: string) => {
    await writeFile(join(folder, 'half'), '')
    throw new Error('the line is cut')
  }
  await t.throwsAsync(installed({ name: 'engine-1.0', effort: 'nothing', fill }, silent), {
    message: 'the line is cut',
  })
  t.deepEqual(await readdir(cache), ['engine-1.0.lock'])
  const folder = await installed({ name: 'engine-1.0', effort: 'nothing', fill: async () => {} }, silent)
  t.deepEqual(await readdir(folder), [])
})

test.serial('what a killed run left half done is not taken for an installation', async (t) => {
  const cache = await ownCache(t)
  await mkdir(join(cache, '.engine-1.0.draft'), { recursive: true })
  await writeFile(join(cache, '.engine-1.0.draft', 'half'), '')
  const folder = await installed({ name: 'engine-1.0', effort: 'nothing', fill: async () => {} }, silent)
  t.deepEqual(await readdir(folder), [])
  t.false(existsSync(join(cache, '.engine-1.0.draft')))
})

test("the cache is where the machine's owner wants it, and where Elasticsearch's user can read it", (t) => {
  t.is(cacheFolder({ XDG_CACHE_HOME: '/big/disk' }, 0), '/big/disk/bartizan/engines')
  t.is(cacheFolder({}, 0), '/var/cache/bartizan/engines')
  t.regex(cacheFolder({}, 1000), /\/\.cache\/bartizan\/engines$/)
})

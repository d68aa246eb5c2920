import test from 'ava'
import fc from 'fast-check'
import { walkKeys } from '#services/recordings/evidence-walk.ts'
import type { FolderListing } from '#services/recordings/folder-listing.ts'

/** Folders as the file store lists them, for these keys; remembers which were read. */
const foldersOf = (keys: string[]) => {
  const read: string[] = []
  const readFolder = async (folder: string): Promise<FolderListing> => {
    read.push(folder)
    const names = new Set<string>()
    for (const key of keys) {
      if (key.startsWith(`${folder}/`)) names.add(/^[^/]+\/?/.exec(key.slice(folder.length + 1))![0])
    }
    const entries = [...names].sort().map((name) => ({ name: name.replace('/', ''), isFolder: name.endsWith('/') }))
    return { entries, marks: new Map() }
  }
  return { read, readFolder }
}

const page = async (keys: string[], prefix: string, after: string, limit: number) => {
  const { read, readFolder } = foldersOf(keys)
  const found: string[] = []
  for await (const { key } of walkKeys('evidence', { root: '', readFolder, prefix, after })) {
    found.push(key)
    if (found.length === limit) break
  }
  return { found, read }
}

test('only the folders that can hold keys of the page are read', async (t) => {
  const keys = ['a/1/x', 'a/2/x', 'b/1/x', 'b/2/x', 'b/2/y', 'c/1/x', 'd/1/x'].map((name) => `evidence/${name}`)
  const { found, read } = await page(keys, 'evidence/', 'evidence/b/2/x', 2)
  t.deepEqual(found, ['evidence/b/2/y', 'evidence/c/1/x'])
  t.deepEqual(read, ['evidence', 'evidence/b', 'evidence/b/2', 'evidence/c', 'evidence/c/1'])
})

const segment = fc.stringMatching(/^[ab.\-_0Z]{1,3}$/).filter((text) => text !== '.' && text !== '..')
const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `evidence/${segments.join('/')}`)

test('a page is what sorting and filtering all keys would give', async (t) => {
  const property = fc.asyncProperty(fc.uniqueArray(name), name, name, fc.nat(8), async (names, cut, after, length) => {
    // A key cannot lie under another key in a file store.
    const keys = names.filter((key) => !names.some((other) => key.startsWith(`${other}/`)))
    const prefix = cut.slice(0, 'evidence/'.length + length)
    const expected = keys.filter((key) => key.startsWith(prefix) && key > after).sort()
    const { found } = await page(keys, prefix, after, 5)
    return JSON.stringify(found) === JSON.stringify(expected.slice(0, 5))
  })
  await t.notThrowsAsync(fc.assert(property, { numRuns: 2_000 }))
})

import test from 'ava'
import fc from 'fast-check'
import { decodeEntries, decodeHashes, encodeEntries, parseTilePath, tilePath } from '#services/proofs/tiles.ts'
import { entriesTo, memoryLog } from './naive-tree.ts'

test('tiles are named as C2SP names them', (t) => {
  t.is(tilePath({ level: 0, index: 1_234_067, width: 256 }), 'tile/0/x001/x234/067')
  t.is(tilePath({ level: 3, index: 67, width: 5 }), 'tile/3/067.p/5')
  t.is(tilePath({ level: 'entries', index: 0, width: 256 }), 'tile/entries/000')
  t.is(tilePath({ level: 'entries', index: 1_000, width: 1 }), 'tile/entries/x001/000.p/1')
})

test('a path is read back as the tile it names', (t) => {
  const tile = fc.record({
    level: fc.constantFrom(0, 1, 5, 'entries' as const),
    index: fc.integer({ min: 0, max: 10 ** 12 }),
    width: fc.integer({ min: 1, max: 256 }),
  })
  fc.assert(fc.property(tile, (one) => t.deepEqual(parseTilePath(tilePath(one)), one)))
})

test('what is not the one way to write a path is none', (t) => {
  const wrong = [
    ...['tile/0/67', 'tile/0/0067', 'tile/0/x000/067', 'tile/0/067.p/256', 'tile/0/067.p/0', 'tile/0/067.p/05'],
    ...[
      'tile/6/067',
      'tile/8/0/067',
      'tile/0/x067',
      'tile/0/../067',
      'tile/data/000',
      'tile/0/067/',
      '/tile/0/067',
      '',
    ],
    `tile/0/${'x001/'.repeat(5)}067`,
  ]
  for (const path of wrong) t.is(parseTilePath(path), null, path)
})

test('entries come back out of a bundle, and only as many as it says', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 }), (entries) => {
      const tile = { level: 'entries' as const, index: 0, width: entries.length }
      const bytes = encodeEntries(entries)
      t.deepEqual(
        decodeEntries(tile, bytes).map((entry) => [...entry]),
        entries.map((entry) => [...entry]),
      )
      t.throws(() => decodeEntries(tile, Buffer.concat([bytes, Buffer.of(0, 0)])), { code: 'BTZ_EVIDENCE_CORRUPT' })
      t.throws(() => decodeEntries(tile, bytes.subarray(0, -1)), { code: 'BTZ_EVIDENCE_CORRUPT' })
    }),
    { numRuns: 50 },
  )
  t.throws(() => encodeEntries([Buffer.alloc(65_536)]), { code: 'BTZ_PAYLOAD_TOO_LARGE' })
  t.throws(() => decodeHashes({ level: 0, index: 0, width: 2 }, Buffer.alloc(63)), { code: 'BTZ_EVIDENCE_CORRUPT' })
})

test('however a log grew, the tiles that it has at a size are the same', (t) => {
  const steps = fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(steps, (added) => {
      const size = added.reduce((sum, count) => sum + count, 0)
      const entries = entriesTo(size)
      const [atOnce, stepwise] = [memoryLog(), memoryLog()]
      atOnce.append(entries)
      let from = 0
      for (const count of added) {
        stepwise.append(entries.slice(from, from + count))
        from += count
      }
      for (const [path, bytes] of atOnce.tiles) t.deepEqual(stepwise.tiles.get(path), bytes, path)
    }),
    { numRuns: 30 },
  )
})

test('a log of 65,537 leaves has all its full tiles and one partial tile on each level', (t) => {
  const log = memoryLog()
  log.append(entriesTo(65_537))
  const partial = [...log.tiles.keys()].filter((path) => path.includes('.p/')).sort()
  t.deepEqual(partial, ['tile/0/256.p/1', 'tile/2/000.p/1', 'tile/entries/256.p/1'])
  t.is(log.tiles.size, 256 + 256 + 1 + partial.length)
  t.true(log.tiles.has('tile/1/000'))
})

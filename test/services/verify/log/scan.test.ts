import { randomBytes } from 'node:crypto'
import test from 'ava'
import { leafHash } from '#services/proofs/merkle.ts'
import { createLeafSet } from '#services/verify/log/leaf-set.ts'
import { scanLog } from '#services/verify/log/scan.ts'
import { createStoredLog } from '#services/verify/log/stored-log.ts'
import { evidenceLog } from '#test/helpers/evidence-log.ts'
import { mapSource } from '#test/helpers/map-source.ts'

test('in a log of more than 65,536 leaves a changed entry or tile of each level is named, and no other; a changed leaf is given to nobody', async (t) => {
  const log = evidenceLog()
  const leaves = Array.from({ length: 66_000 }, (_, at) => {
    const entry = Buffer.from(`entry ${at}`)
    return { entry, id: leafHash(entry).toString('hex') }
  })
  await log.append(leaves)
  const { keys } = log
  const note = log.notes[0]!.toString()
  const latest = {
    ...{ size: log.size(), root: Buffer.from(note.split('\n')[2]!, 'base64') },
    ...{ key: keys.checkpoint(log.size()), storedAt: new Date() },
  }
  const scanned = async (key: string | null, offset = 40) => {
    const objects = new Map(log.objects)
    if (key !== null) {
      const bytes = Uint8Array.from(objects.get(key)!)
      bytes[offset]! ^= 1
      objects.set(key, bytes)
    }
    const found: string[] = []
    let entries = 0
    const stored = (async function* () {
      yield latest
    })()
    const reading = scanLog(createStoredLog(mapSource(objects), log.verifier), {
      ...latest,
      kept: [],
      stored,
      thorough: false,
    })
    for await (const { leaves, findings } of reading) {
      entries += leaves.filter(({ entry }) => entry !== null).length
      found.push(...findings.map(({ where }) => where.key))
    }
    return { found, entries }
  }
  t.deepEqual(await scanned(null), { found: [], entries: 66_000 })
  const entry = keys.tile({ level: 'entries', index: 200, width: 256 })
  t.deepEqual(await scanned(entry, 45), { found: [entry], entries: 65_999 })
  for (const tile of [
    keys.tile({ level: 0, index: 100, width: 256 }),
    keys.tile({ level: 1, index: 0, width: 256 }),
    keys.tile({ level: 2, index: 0, width: 1 }),
  ])
    t.deepEqual((await scanned(tile, 20)).found, [tile])
})

test('of thousands of hashes each is found, ticked off once, and no other', (t) => {
  const set = createLeafSet()
  const ids = Array.from({ length: 5_000 }, () => randomBytes(32))
  for (const id of [...ids, ...ids]) set.add(id)
  t.is(set.left(), 5_000)
  for (const id of ids) t.true(set.has(id) && !set.isTicked(id) && set.tick(id))
  t.is(set.left(), 0)
  for (let count = 0; count < 1_000; count++) t.false(set.tick(randomBytes(32)))
})

import test, { type ExecutionContext } from 'ava'
import { leafOfObject } from '#services/proofs/leaf.ts'
import { readBatches } from '#services/recordings/format/block.ts'
import { parseFooter } from '#services/recordings/format/block-footer.ts'
import { manifestKeyOf, parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { createFrameProver } from '#services/verify/log/prove-frame.ts'
import type { EvidenceSource } from '#services/verify/read-objects.ts'
import { evidenceCorpus } from '#test/helpers/evidence-corpus.ts'
import { evidenceLog, otherLeaves } from '#test/helpers/evidence-log.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { mapSource } from '#test/helpers/map-source.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

test.after.always(closeSharedCatalog)

const tenKB = 10_000
const tileBytes = 256 * 32

/** Counts the bytes of objects that are read. */
const counting = (source: EvidenceSource) => {
  let bytes = 0
  const get: EvidenceSource['get'] = async (...asked) => {
    const read = await source.get(...asked)
    bytes += read.byteLength
    return read
  }
  return {
    source: { ...source, get },
    take: (): number => {
      const taken = bytes
      bytes = 0
      return taken
    },
  }
}

const place = async (t: ExecutionContext, others: number) => {
  const random = seededRandom(30)
  const { objects, sessions, sessionKeys } = await evidenceCorpus(t, random)
  const { sessionId, prefix } = sessions[0]!
  const sessionKey = sessionKeys.get(`session:${sessionId}`)!
  const blocks = [...objects.keys()].filter((key) => key.startsWith(prefix) && parseSessionKey(key)?.kind === 'block')
  const log = evidenceLog()
  const manifest = manifestKeyOf(prefix, 1)
  await log.append([...otherLeaves(others, random), leafOfObject('manifest', manifest, objects.get(manifest)!)])
  const all = new Map([...objects, ...log.objects])
  const moments = blocks.flatMap((blockKey) => {
    const bytes = objects.get(blockKey)!
    return parseFooter(bytes, bytes.byteLength).frames.map(({ startNs, sizeBytes }, frame) => ({
      ...{ blockKey, frame, sizeBytes, atNs: startNs + 1n },
    }))
  })
  const prover = (source: EvidenceSource) => createFrameProver({ source, verifier: log.verifier, sessionKey })
  return { all, blocks, log, manifest, moments, objects, prefix, prover, sessionKey }
}

test('each moment of a session is proven down to a checkpoint by reading its chunk and at most 10 KB', async (t) => {
  const { all, moments, objects, prover, sessionKey } = await place(t, 100)
  const { source, take } = counting(mapSource(all))
  for (const { blockKey, frame, sizeBytes, atNs } of moments) {
    const proven = await prover(source)({ blockKey, atNs })
    t.is(proven.frame, frame)
    t.true(take() <= sizeBytes + tenKB)
    const batches = [...readBatches(objects.get(blockKey)!, sessionKey)].map((batch) =>
      Buffer.from(batch).toString('hex'),
    )
    for (const batch of proven.batches) t.true(batches.includes(Buffer.from(batch).toString('hex')))
  }
  t.true(moments.length >= 4)
})

test('in a large log the first proof reads a tile for each level more, and each after it its chunk and 10 KB', async (t) => {
  const { all, moments, prover } = await place(t, 20_000)
  const { source, take } = counting(mapSource(all))
  const prove = prover(source)
  for (const [at, { blockKey, sizeBytes, atNs }] of moments.entries()) {
    await prove({ blockKey, atNs })
    t.true(take() <= sizeBytes + tenKB + (at === 0 ? 2 * tileBytes : 0))
  }
})

test('a frame, footer, manifest, tile or checkpoint that was changed proves nothing', async (t) => {
  const { all, log, manifest, moments, prover } = await place(t, 100)
  const { blockKey, atNs, sizeBytes } = moments[1]!
  const info = parseFooter(all.get(blockKey)!, all.get(blockKey)!.byteLength)
  const frameAt = info.frames[moments[1]!.frame]!.offset
  const tile = log.keys.tile({ level: 0, index: 0, width: 101 })
  const places: [string, number][] = [
    [blockKey, frameAt + Math.floor(sizeBytes / 2)],
    [blockKey, info.ciphertextBytes + 60],
    [manifest, 100],
    [tile, 40],
    [log.keys.checkpoint(101), 60],
  ]
  for (const [key, offset] of places) {
    const bytes = Uint8Array.from(all.get(key)!)
    bytes[offset]! ^= 1
    const altered = prover(mapSource(new Map(all).set(key, bytes)))
    await t.throwsAsync(altered({ blockKey, atNs }), { code: 'BTZ_EVIDENCE_CORRUPT' }, `${key}, byte ${offset}`)
  }
})

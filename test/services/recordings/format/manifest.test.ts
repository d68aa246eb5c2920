import { createHash, randomBytes } from 'node:crypto'
import test from 'ava'
import { createBlockBuilder } from '#services/recordings/format/block-builder.ts'
import {
  blockKeyOf,
  dateOf,
  manifestKeyOf,
  parseSessionKey,
  sessionPrefix,
} from '#services/recordings/format/evidence-keys.ts'
import { batchHash, decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import {
  canonicalJson,
  decodeManifest,
  encodeManifest,
  type ManifestBlock,
  manifestOf,
} from '#services/recordings/format/manifest.ts'
import { createSessionBatches } from '#test/helpers/session-batches.ts'

const sessionKey = randomBytes(32)
const ending = { endReason: 'exit', provisional: false } as const

const build = (batches: Uint8Array[], gap: string | null = null): ManifestBlock => {
  const decoded = batches.map(decodeBatchHeader)
  const { sessionId, bastion, batchSeq } = decoded[0]!
  const builder = createBlockBuilder({ sessionId, bastion, sessionKey, gap })
  for (const [index, finished] of batches.entries())
    builder.append({ finished, decoded: decoded[index]!, hash: batchHash(finished) })
  const { info, sha256 } = builder.finish(false)
  return { key: blockKeyOf(sessionPrefix('2026-01-31', sessionId), batchSeq), info, sha256 }
}

test('a manifest is the same bytes for the same blocks, with sorted keys', (t) => {
  const session = createSessionBatches()
  const blocks = [build([session.first(), session.next()]), build([session.next()])]
  const bytes = encodeManifest(manifestOf(blocks, ending, null))
  t.deepEqual(bytes, encodeManifest(manifestOf(blocks, ending, null)))
  const keys = Object.keys(JSON.parse(Buffer.from(bytes).toString()))
  t.deepEqual(keys, [...keys].sort())
  t.deepEqual(decodeManifest(bytes).gaps, [])
  t.deepEqual(
    decodeManifest(bytes).blocks.map(({ firstSeq, lastSeq }) => [firstSeq, lastSeq]),
    [
      [0, 1],
      [2, 2],
    ],
  )
})

test('missing batches, a missing start and a broken chain are named gaps', (t) => {
  const session = createSessionBatches()
  session.first()
  const second = build([session.next()], 'lost')
  session.next()
  const fourth = build([session.next()])
  const stranger = build([session.withFields({ prevHash: randomBytes(32) })])
  t.deepEqual(manifestOf([second, fourth, stranger], ending, null).gaps, [
    { firstSeq: 0, lastSeq: 0, reason: 'lost' },
    { firstSeq: 2, lastSeq: 2, reason: 'lost' },
    { firstSeq: 4, lastSeq: 3, reason: 'chain' },
  ])
})

test('a later manifest names its predecessor by key and hash', (t) => {
  const session = createSessionBatches()
  const blocks = [build([session.first()])]
  const before = encodeManifest(manifestOf(blocks, { endReason: 'unknown', provisional: true }, null))
  const { previous } = manifestOf(blocks, ending, { key: 'manifest-0001', bytes: before })
  t.deepEqual(previous, { key: 'manifest-0001', sha256: createHash('sha256').update(before).digest('hex') })
})

test('a manifest that is changed, reformatted or none is refused', (t) => {
  const session = createSessionBatches()
  const manifest = manifestOf([build([session.first()])], ending, null)
  const refused = (text: string) => t.throws(() => decodeManifest(Buffer.from(text)), { code: 'BTZ_EVIDENCE_CORRUPT' })
  refused('{')
  refused(JSON.stringify({ ...manifest, extra: 1 }))
  refused(JSON.stringify(manifest, null, 1))
  refused(canonicalJson({ ...manifest, sessionId: 'x' }))
  t.throws(() => decodeManifest(Buffer.from(canonicalJson({ ...manifest, format: 2 }))), {
    code: 'BTZ_EVIDENCE_FORMAT',
  })
  t.throws(() => decodeManifest(Buffer.from('null')), { code: 'BTZ_EVIDENCE_FORMAT' })
})

test('evidence keys name what is inside and sort by batch', (t) => {
  const prefix = sessionPrefix(dateOf(Date.UTC(2026, 0, 31, 23, 59, 59)), '018f0000-0000-7000-8000-000000000001')
  const key = blockKeyOf(prefix, 77)
  t.is(key, 'evidence/v1/2026-01-31/018f0000-0000-7000-8000-000000000001/000000000077')
  t.deepEqual(parseSessionKey(key), { kind: 'block', prefix, firstSeq: 77 })
  t.deepEqual(parseSessionKey(manifestKeyOf(prefix, 2)), { kind: 'manifest', prefix, number: 2 })
  t.is(parseSessionKey(`${prefix}manifest-1`), null)
  t.true(blockKeyOf(prefix, 9) < blockKeyOf(prefix, 10) && blockKeyOf(prefix, 10 ** 12 - 1) < manifestKeyOf(prefix, 1))
  t.throws(() => dateOf(Date.UTC(10_000, 0, 1)), { code: 'BTZ_EVIDENCE_FORMAT' })
  t.throws(() => dateOf(-1), { code: 'BTZ_EVIDENCE_FORMAT' })
})

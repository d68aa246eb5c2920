import { createHash, randomBytes } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { hasCode } from '#services/errors.ts'
import { createFrameOpener, readBatches, readStoredBatches } from '#services/recordings/format/block.ts'
import { createBlockBuilder } from '#services/recordings/format/block-builder.ts'
import { footerBytesOf, parseFooter } from '#services/recordings/format/block-footer.ts'
import { batchHash, decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import { createSessionBatches, type SessionBatches, textFrame } from '#test/helpers/session-batches.ts'

const sessionKey = randomBytes(32)

const blockOf = (session: SessionBatches, batches: Uint8Array[], seals = false) => {
  const { sessionId, bastion } = session
  const builder = createBlockBuilder({ sessionId, bastion, sessionKey, gap: null })
  for (const finished of batches)
    builder.append({ finished, decoded: decodeBatchHeader(finished), hash: batchHash(finished) })
  return builder.finish(seals)
}
const noise = (size: number) => textFrame(randomBytes(size / 2).toString('hex'))
const some = () => {
  const session = createSessionBatches()
  const batches = [
    session.first(textFrame('first words')),
    session.next(textFrame('$ ls')),
    session.next(noise(200_000)),
    session.next(textFrame('more')),
    session.end(textFrame('exit')),
  ]
  return { session, batches, block: blockOf(session, batches, true) }
}
const hex = (bytes: Iterable<Uint8Array>) => Array.from(bytes, (one) => Buffer.from(one).toString('hex'))

test('the finished bytes of any batches come back unchanged and in order', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(40_000), { minLength: 1, maxLength: 25 }), (sizes) => {
      const session = createSessionBatches()
      const batches = sizes.map((size) => session.next(textFrame('ab'.repeat(size))))
      t.deepEqual(hex(readBatches(blockOf(session, batches).bytes, sessionKey)), hex(batches))
    }),
    { numRuns: 40 },
  )
})

test('small batches share a frame, a large one has its own', (t) => {
  const { block } = some()
  t.deepEqual(
    block.info.frames.map(({ firstSeq, batchCount }) => [firstSeq, batchCount]),
    [
      [0, 2],
      [2, 1],
      [3, 2],
    ],
  )
})

test('one frame is read by its range alone', (t) => {
  const { batches, block } = some()
  const open = createFrameOpener(block.info, sessionKey)
  const { offset, sizeBytes } = block.info.frames[1]!
  t.deepEqual(hex(open(1, block.bytes.subarray(offset, offset + sizeBytes))), hex([batches[2]!]))
  t.throws(() => open(0, block.bytes.subarray(offset, offset + sizeBytes)), { code: 'BTZ_EVIDENCE_CORRUPT' })
})

test('the footer is read from the tail alone and says what the block holds', (t) => {
  const { session, batches, block } = some()
  const short = footerBytesOf(block.bytes.subarray(-20))
  t.true('needBytes' in short)
  const info = parseFooter(block.bytes.subarray(-('needBytes' in short ? short.needBytes : 0)), block.bytes.byteLength)
  t.like(info, {
    sessionId: session.sessionId,
    bastion: 'bastion-1',
    firstSeq: 0,
    lastSeq: 4,
    seals: true,
    startNs: 0n,
  })
  t.is(info.endNs, 5_000_000n)
  t.is(info.lastAtMs - info.firstAtMs, 1000)
  t.deepEqual(hex([info.chainHash]), hex([batchHash(batches[4]!)]))
  t.deepEqual(hex([info.prevHash]), hex([decodeBatchHeader(batches[0]!).prevHash]))
  t.deepEqual(hex([block.sha256]), [createHash('sha256').update(block.bytes).digest('hex')])
})

test('a block holds no clear text of what was recorded', (t) => {
  const { block } = some()
  for (const word of ['first words', '$ ls', 'more', 'alice']) t.false(Buffer.from(block.bytes).includes(word))
})

test('the same batches twice give blocks with nothing in common but the footer facts', (t) => {
  const { session, batches, block } = some()
  const other = blockOf(session, batches, true)
  t.notDeepEqual(block.info.salt, other.info.salt)
  t.notDeepEqual(block.bytes.subarray(0, 64), other.bytes.subarray(0, 64))
})

test('another key opens nothing, and it is said where', (t) => {
  const error = t.throws(() => [...readBatches(some().block.bytes, randomBytes(32))], { code: 'BTZ_EVIDENCE_CORRUPT' })
  t.regex(error?.message ?? '', /^block 0.*\/0: the footer is not the one that was written with this key$/)
})

const readable = (bytes: Uint8Array, expected: string[]): boolean => {
  try {
    return hex(readBatches(bytes, sessionKey)).join() === expected.join()
  } catch (error) {
    if (hasCode(error, 'BTZ_EVIDENCE_CORRUPT') || hasCode(error, 'BTZ_EVIDENCE_FORMAT')) return false
    throw error
  }
}

test('a changed byte anywhere is found', (t) => {
  const session = createSessionBatches()
  const batches = [session.first(textFrame('a')), session.next(noise(20_000)), session.next(textFrame('b'))]
  const { bytes } = blockOf(session, batches)
  const expected = hex(batches)
  t.true(readable(bytes, expected))
  for (let place = bytes.byteLength % 61; place < bytes.byteLength; place += 61) {
    const damaged = Uint8Array.from(bytes)
    damaged[place]! ^= 1
    t.false(readable(damaged, expected), `byte ${place}`)
  }
})

test('any damage of a footer is found', (t) => {
  const { batches, block } = some()
  const expected = hex(batches)
  const footerStart = block.info.ciphertextBytes
  fc.assert(
    fc.property(
      fc.integer({ min: footerStart, max: block.bytes.byteLength - 1 }),
      fc.integer({ min: 1, max: 255 }),
      (place, change) => {
        const damaged = Uint8Array.from(block.bytes)
        damaged[place]! ^= change
        t.false(readable(damaged, expected))
      },
    ),
    { numRuns: 1000 },
  )
})

test('a cut block and random bytes are refused as evidence', (t) => {
  const { block } = some()
  fc.assert(
    fc.property(
      fc.oneof(
        fc.nat(block.bytes.byteLength - 1).map((size) => block.bytes.subarray(0, size)),
        fc.uint8Array({ maxLength: 200 }),
      ),
      (bytes) => {
        t.false(readable(bytes, []))
      },
    ),
    { numRuns: 1000 },
  )
})

test('batches that do not follow on each other are found although every frame is intact', (t) => {
  const session = createSessionBatches()
  const batches = [session.first(), session.next(), session.withFields({ prevHash: randomBytes(32) })]
  const error = t.throws(() => [...readBatches(blockOf(session, batches).bytes, sessionKey)], {
    code: 'BTZ_EVIDENCE_CORRUPT',
  })
  t.regex(error?.message ?? '', /batch 2 does not follow on batch 1$/)
})

test('a batch of another session in the block is found', (t) => {
  const [one, two] = [createSessionBatches(), createSessionBatches()]
  t.throws(() => [...readBatches(blockOf(one, [two.first()]).bytes, sessionKey)], { code: 'BTZ_EVIDENCE_CORRUPT' })
})

test('stored batches come with their hash and decoded header', (t) => {
  const { session, block } = some()
  const last = [...readStoredBatches(block.bytes, sessionKey)].at(-1)
  t.is(last?.decoded.batchSeq, 4)
  t.deepEqual(hex([last!.hash]), hex([session.point().hash]))
})

import { randomBytes } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import fc from 'fast-check'
import { hasCode } from '#services/errors.ts'
import {
  batchHash,
  batchLimits,
  decodeBatchHeader,
  decodeFrames,
  encodeFrameBatch,
  type Frame,
  Stream,
} from '#services/recordings/format/frame-batch.ts'
import { FrameBatchSchema, PayloadEncoding } from '#services/schema/generated/frame_batch_pb.ts'

const header = {
  sessionId: '018f0000-0000-7000-8000-000000000001',
  bastion: 'bastion-1',
  batchSeq: 7,
  prevHash: new Uint8Array(32).fill(3),
  startNs: 5_000_000_000n,
  closedAtMs: 1_700_000_000_000,
}
const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    delayNs: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    stream: fc.constantFrom(...Object.values(Stream).filter((value) => typeof value === 'number')),
    data: fc.uint8Array({ maxLength: 2_000 }),
  }),
  fc.record({
    delayNs: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    stream: fc.constant(Stream.TTYIN),
    data: fc.constant(new Uint8Array(0)),
    masked: fc.record({ length: fc.nat(4096), rule: fc.constantFrom('no_echo', 'unanswered') }),
  }),
)
const plain = (frames: Frame[]) => frames.map((frame) => ({ ...frame, data: Buffer.from(frame.data).toString('hex') }))
const refused = (bytes: Uint8Array): boolean => {
  try {
    decodeFrames(decodeBatchHeader(bytes))
    return false
  } catch (error) {
    if (!hasCode(error, 'BTZ_BATCH_INVALID')) throw error
    return true
  }
}
const raw = (fields: object): Uint8Array =>
  toBinary(
    FrameBatchSchema,
    create(FrameBatchSchema, { ...header, batchSeq: 7n, closedAtMs: BigInt(header.closedAtMs), ...fields }),
  )

test('every sequence of frames comes back as it was', (t) => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 60 }), (frames) => {
      const decoded = decodeBatchHeader(encodeFrameBatch(header, frames))
      t.deepEqual(plain(decodeFrames(decoded)), plain(frames))
      t.is(
        decoded.endNs,
        frames.reduce((sum, frame) => sum + frame.delayNs, header.startNs),
      )
      t.is(decoded.batchSeq, header.batchSeq)
    }),
    { numRuns: 300 },
  )
})

test('the bytes are those that the library writes', (t) => {
  const huge = { delayNs: 2n ** 62n, stream: Stream.TTYOUT, data: new Uint8Array(200_000).fill(7) }
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 60 }), fc.boolean(), (frames, withHuge) => {
      const finished = encodeFrameBatch(header, withHuge ? [...frames, huge] : frames)
      t.deepEqual(toBinary(FrameBatchSchema, fromBinary(FrameBatchSchema, finished)), new Uint8Array(finished))
    }),
    { numRuns: 100 },
  )
})

test('a payload of 16 KiB or more is compressed, a smaller one is not', (t) => {
  const of = (size: number) =>
    decodeBatchHeader(encodeFrameBatch(header, [{ delayNs: 0n, stream: Stream.TTYOUT, data: Buffer.alloc(size, 'x') }]))
  t.is(of(16 * 1024 - 1).message.payloadEncoding, PayloadEncoding.IDENTITY)
  const large = of(16 * 1024)
  t.is(large.message.payloadEncoding, PayloadEncoding.ZSTD)
  t.true(large.message.payload.byteLength < 200)
  t.is(decodeFrames(large)[0]?.data.byteLength, 16 * 1024)
})

test('20,000 damaged batches and random inputs are decoded or refused, and nothing else', (t) => {
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
  t.log(`seed ${seed}`)
  const frames = [1, 2, 3].map((size) => ({ delayNs: 10n, stream: Stream.TTYOUT, data: Buffer.alloc(size * 9, 'y') }))
  const masked = { delayNs: 1n, stream: Stream.TTYIN, data: new Uint8Array(0), masked: { length: 8, rule: 'no_echo' } }
  const good = encodeFrameBatch(header, [...frames, masked])
  const damaged = fc
    .array(fc.tuple(fc.nat(good.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const bytes = Uint8Array.from(good)
      for (const [place, value] of changes) bytes[place] = value
      return bytes
    })
  const cut = fc.nat(good.byteLength - 1).map((length) => good.subarray(0, length))
  let refusals = 0
  let inputs = 0
  fc.assert(
    fc.property(fc.oneof(damaged, cut, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      inputs++
      if (refused(bytes)) refusals++
    }),
    { numRuns: 20_000, seed },
  )
  t.is(inputs, 20_000)
  t.true(refusals > 5_000)
})

test('a decompression bomb is refused at the size it claims', (t) => {
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024))
  const claims = (payloadSize: number) =>
    raw({
      payloadEncoding: PayloadEncoding.ZSTD,
      payloadSize,
      payload: bomb,
      delayNs: [0n],
      length: [payloadSize],
      stream: [Stream.TTYOUT],
    })
  t.true(refused(claims(1000)))
  t.true(refused(claims(batchLimits.payloadBytes)))
  t.true(refused(claims(64 * 1024 * 1024)))
})

test('what breaks a limit is refused', (t) => {
  const one = { payloadSize: 1, payload: Buffer.from('a'), delayNs: [0n], length: [1], stream: [Stream.TTYOUT] }
  t.false(refused(raw(one)))
  const wrong: Record<string, object> = {
    format: { format: 1 },
    session: { sessionId: '../../etc' },
    bastion: { bastion: 'a b' },
    prevHash: { prevHash: randomBytes(31) },
    seq: { batchSeq: 10n ** 12n },
    time: { closedAtMs: -1n },
    farTime: { closedAtMs: 2n ** 62n },
    columns: { stream: [] },
    length: { length: [2] },
    payload: { payload: Buffer.from('ab') },
    encoding: { payloadEncoding: 9 },
    zstd: { payloadEncoding: PayloadEncoding.ZSTD },
    elapsed: { startNs: 2n ** 63n },
    frames: { delayNs: Array(65_537).fill(0n), length: Array(65_537).fill(0), stream: Array(65_537).fill(1) },
  }
  for (const [name, fields] of Object.entries(wrong)) t.true(refused(raw({ ...one, ...fields })), name)
  t.true(refused(new Uint8Array(batchLimits.finishedBytes + 1)))
})

test('deeply nested unknown groups do not exhaust the stack', (t) => {
  t.true(refused(Buffer.alloc(900_000, 0xfb)))
})

test('the hash is that of the finished bytes, so any change of them shows', (t) => {
  const finished = encodeFrameBatch(header, [])
  t.deepEqual(batchHash(finished), batchHash(Uint8Array.from(finished)))
  t.notDeepEqual(batchHash(finished), batchHash(encodeFrameBatch({ ...header, closedAtMs: 1 }, [])))
})

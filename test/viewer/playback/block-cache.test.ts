import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import type { BlockRow } from '#services/catalog/catalog.ts'
import { BartizanError } from '#services/errors.ts'
import { createBlockBuilder } from '#services/recordings/format/block-builder.ts'
import { batchHash, decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { until } from '#test/helpers/until.ts'
import { createBlockCache } from '#viewer/playback/block-cache.ts'
import { framesOf, recordingStart } from '#viewer/playback/placed-frames.ts'

const sessionKey = randomBytes(32)

/** Blocks of some batches each in a store that counts what is read of it. */
const place = (maxBytes = 1024 * 1024, forMs = 60_000) => {
  const session = createSessionBatches()
  const { sessionId, bastion } = session
  const stored = new Map<string, Uint8Array>()
  const blocks: BlockRow[] = []
  for (let number = 0; number < 4; number++) {
    const builder = createBlockBuilder({ sessionId, bastion, sessionKey, gap: null })
    for (let batch = 0; batch < 3; batch++) {
      const text = (part: string) => textFrame(`${number}${batch}${part}`.padEnd(500, '.'))
      const finished = number + batch === 0 ? session.first(text('a'), text('b')) : session.next(text('a'), text('b'))
      builder.append({ finished, decoded: decodeBatchHeader(finished), hash: batchHash(finished) })
    }
    const { bytes, info } = builder.finish(false)
    stored.set(`block-${number}`, bytes)
    const { firstSeq, lastSeq, startNs, endNs } = info
    const times = { firstAtMs: 0, lastAtMs: 0, sizeBytes: bytes.byteLength, chainHash: '', seals: false }
    blocks.push({ sessionId, key: `block-${number}`, firstSeq, lastSeq, startNs, endNs, ...times })
  }
  let nowMs = 0
  const state = { reads: [] as string[], isErased: false }
  const read = createBlockCache(
    {
      clock: { now: () => nowMs },
      keys: {
        get: async () => {
          if (state.isErased) throw new BartizanError('BTZ_KEY_DESTROYED', 'erased')
          return sessionKey
        },
      },
      recordings: {
        get: async (key) => {
          state.reads.push(key)
          return stored.get(key)!
        },
      },
    },
    { maxBytes, forMs },
  )
  const wait = (ms: number) => {
    nowMs += ms
  }
  return { state, blocks, read, wait }
}
const textsOf = async (frames: ReturnType<typeof framesOf>) =>
  (await Array.fromAsync(frames)).map(({ data }) => Buffer.from(data).toString().replaceAll('.', ''))

test('only the blocks that a part lies in are read, and frames are cut at its ends', async (t) => {
  const { state, blocks, read } = place()
  const from = { batchSeq: 4, frame: 1, byte: 1 }
  const to = { batchSeq: 7, frame: 0, byte: 2 }
  t.deepEqual(await textsOf(framesOf({ blocks, from, to }, read)), ['1b', '12a', '12b', '20a', '20b', '21'])
  t.deepEqual(state.reads, ['block-1', 'block-2'])
  const whole = await textsOf(framesOf({ blocks, from: recordingStart, to: null }, read))
  t.is(whole.length, 24)
})

test('parts that lie side by side give each frame once', async (t) => {
  const { blocks, read } = place()
  const cuts = [
    recordingStart,
    ...[0, 3, 3, 5, 11].map((batchSeq, at) => ({ batchSeq, frame: at % 3 === 2 ? 1 : 0, byte: at * 3 })),
    null,
  ]
  const parts: string[] = []
  for (let at = 0; at + 1 < cuts.length; at++)
    parts.push(...(await textsOf(framesOf({ blocks, from: cuts[at]!, to: cuts[at + 1]! }, read))))
  const whole = await textsOf(framesOf({ blocks, from: recordingStart, to: null }, read))
  t.is(parts.join(''), whole.join(''))
})

test('a block stays for who reads on, not longer than a minute, and no more of them than there is room for', async (t) => {
  const { state, blocks, read, wait } = place()
  await Promise.all([read(blocks[0]!), read(blocks[0]!)])
  t.deepEqual(state.reads, ['block-0'], 'asked for twice at once it is read once')
  wait(59_000)
  await read(blocks[0]!)
  wait(60_001)
  await read(blocks[0]!)
  t.deepEqual(state.reads, ['block-0', 'block-0'])

  const small = place(3_500)
  for (const block of [0, 1, 0, 1, 2, 0]) await small.read(small.blocks[block]!)
  t.deepEqual(small.state.reads, ['block-0', 'block-1', 'block-0', 'block-1', 'block-2', 'block-0'])
})

test('who goes on to read after an erasure gets nothing, though it was read before', async (t) => {
  const { state, blocks, read } = place()
  await read(blocks[0]!)
  state.isErased = true
  await t.throwsAsync(read(blocks[0]!), { code: 'BTZ_KEY_DESTROYED' })
})

test('what nobody reads on is forgotten by itself', async (t) => {
  const { state, blocks, read, wait } = place(1024 * 1024, 20)
  await read(blocks[0]!)
  await read(blocks[0]!)
  t.is(state.reads.length, 1)
  // Its time is over whenever nobody reads; who reads sees a clock on which it is not.
  await until(async () => {
    wait(21)
    await setTimeout(5)
    wait(-21)
    await read(blocks[0]!)
    return state.reads.length > 1
  })
})

test('others have their turn while a long recording is read', async (t) => {
  const [block] = place().blocks
  const session = createSessionBatches({ sessionId: block!.sessionId })
  const big = (first: boolean) => {
    const frames = Array.from({ length: 4 }, () => textFrame('x'.repeat(60_000)))
    return first ? session.first(...frames) : session.next(...frames)
  }
  const batches = Array.from({ length: 20 }, (_, at) => big(at === 0))
  let turns = 0
  const count = (): void => {
    turns++
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  await Array.fromAsync(framesOf({ blocks: [block!], from: recordingStart, to: null }, async () => batches))
  clearImmediate(counting)
  t.true(turns >= 10, `${turns} turns`)
})

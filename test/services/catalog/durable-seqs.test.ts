import test from 'ava'
import { type BlockRange, createDurableSeqs, durableUpTo, type KnownSeq } from '#services/catalog/durable-seqs.ts'

test('evidence counts up to the first gap, in whatever order the blocks come', (t) => {
  const [first, second, third] = [
    { firstSeq: 0, lastSeq: 5 },
    { firstSeq: 6, lastSeq: 9 },
    { firstSeq: 7, lastSeq: 12 },
  ]
  t.is(durableUpTo(0, []), 0)
  t.is(durableUpTo(0, [{ firstSeq: 1, lastSeq: 5 }]), 0)
  t.is(durableUpTo(0, [second, first]), 10)
  t.is(durableUpTo(0, [third, first]), 6)
  t.is(durableUpTo(0, [third, second, first]), 13)
})

test('what was found to stand is not asked for again', async (t) => {
  const blocks: BlockRange[] = [{ sessionId: 'a', firstSeq: 0, lastSeq: 4 }]
  const asked: KnownSeq[][] = []
  const durableSeqs = createDurableSeqs(async (known) => {
    asked.push(known)
    return known.flatMap(({ sessionId, nextSeq }) =>
      blocks.filter((block) => block.sessionId === sessionId && block.lastSeq >= nextSeq),
    )
  })
  t.deepEqual(await durableSeqs(['a', 'b', 'a']), new Map([['a', 4]]))
  blocks.push({ sessionId: 'a', firstSeq: 5, lastSeq: 8 }, { sessionId: 'b', firstSeq: 0, lastSeq: 0 })
  t.deepEqual(
    await durableSeqs(['a', 'b']),
    new Map([
      ['a', 8],
      ['b', 0],
    ]),
  )
  t.deepEqual(asked[1], [
    { sessionId: 'a', nextSeq: 5 },
    { sessionId: 'b', nextSeq: 0 },
  ])
  t.deepEqual(await durableSeqs([]), new Map())
})

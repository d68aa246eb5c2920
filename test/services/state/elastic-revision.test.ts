import test from 'ava'
import { revisionOf, standingOf } from '#services/state/elastic-revision.ts'

test('a revision tells sequence number and term, and grows with either', (t) => {
  const places = [
    { seqNo: 0, term: 1 },
    { seqNo: 1, term: 1 },
    { seqNo: 2 ** 38 - 2, term: 1 },
    { seqNo: 0, term: 2 },
    { seqNo: 2 ** 38 - 2, term: 2 ** 15 - 1 },
  ]
  for (const place of places) t.deepEqual(standingOf(revisionOf(place)), place)
  const revisions = places.map(revisionOf)
  t.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
  )
  t.true(revisions.every(Number.isSafeInteger))
})

test('what is no revision of ours stands nowhere', (t) => {
  for (const revision of [0, 7, -1, 0.5, Number.NaN, Infinity, 2 ** 38]) t.is(standingOf(revision), null)
})

test('revisions that would no longer be exact are refused', (t) => {
  t.throws(() => revisionOf({ seqNo: 2 ** 38 - 1, term: 1 }), { code: 'BTZ_INTERNAL' })
  t.throws(() => revisionOf({ seqNo: 0, term: 2 ** 15 }), { code: 'BTZ_INTERNAL' })
})

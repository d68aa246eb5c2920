import test from 'ava'
import { countExpired } from '#services/bus/retention.ts'

const segments = [
  { endOffset: 10, changedAtMs: 100 },
  { endOffset: 20, changedAtMs: 200 },
  { endOffset: 30, changedAtMs: 150 },
]

test('segments go oldest first, when past their time and committed to their end', (t) => {
  const table: [olderThanMs: number, committedByAll: number, expected: number][] = [
    [1000, 30, 3],
    [1000, Number.POSITIVE_INFINITY, 3],
    [1000, 29, 2],
    [1000, 10, 1],
    [1000, 9, 0],
    [100, 30, 0],
    [101, 30, 1],
    [180, 30, 1],
  ]
  for (const [olderThanMs, committedByAll, expected] of table) {
    t.is(countExpired(segments, { olderThanMs, committedByAll }), expected, `${olderThanMs}, ${committedByAll}`)
  }
  t.is(countExpired([], { olderThanMs: 1000, committedByAll: 0 }), 0)
})

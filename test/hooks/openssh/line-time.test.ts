import test from 'ava'
import { createLineTimes } from '#hooks/openssh/line-time.ts'

const read = (texts: readonly string[], notAfter: string, zone = 'UTC', lastMs: number | null = null): string[] => {
  const times = createLineTimes({ zone, notAfterMs: () => Date.parse(notAfter), lastMs })
  return texts.map((text) => {
    const ms = times.read(text)
    return ms === null ? 'none' : new Date(ms).toISOString().slice(0, 19)
  })
}

test('without a year, the age of the file says which: its last lines are not later than it', (t) => {
  t.deepEqual(read(['Dec 31 23:59:59', 'Jan  1 00:00:01'], '2026-01-01T00:05:00Z'), [
    '2025-12-31T23:59:59',
    '2026-01-01T00:00:01',
  ])
  t.deepEqual(read(['Nov 21 09:00:00'], '2026-11-21T09:00:00Z'), ['2026-11-21T09:00:00'])
  t.deepEqual(read(['Nov 23 09:00:00'], '2026-11-21T09:00:00Z'), ['2025-11-23T09:00:00'])
  t.deepEqual(read(['Feb 29 12:00:00'], '2026-11-21T09:00:00Z'), ['2024-02-29T12:00:00'])
})

test('where New Year comes first, and where it comes last', (t) => {
  const texts = ['Dec 31 23:59:59', 'Jan  1 00:00:00']
  t.deepEqual(read(texts, '2026-01-01T12:00:00Z', 'Pacific/Kiritimati'), ['2025-12-31T09:59:59', '2025-12-31T10:00:00'])
  t.deepEqual(read(texts, '2026-01-01T12:00:00Z', 'Pacific/Niue'), ['2026-01-01T10:59:59', '2026-01-01T11:00:00'])
})

test('a clock that was wrong for a while does not carry what follows into another year', (t) => {
  const texts = ['Nov 20 09:00:00', 'Jan  1 00:00:05', 'Nov 20 09:00:10', 'Nov 21 08:00:00']
  const expected = ['2026-11-20T09:00:00', '2026-01-01T00:00:05', '2026-11-20T09:00:10', '2026-11-21T08:00:00']
  t.deepEqual(read(texts, '2026-11-21T09:00:00Z'), expected)
})

test('an hour that comes twice goes on where the lines before it were', (t) => {
  const before = Date.parse('2026-10-25T00:59:00Z') // 02:59 in Berlin, the first time
  const last = '2026-10-25T12:00:00Z'
  t.deepEqual(read(['Oct 25 02:59:30'], last, 'Europe/Berlin', before), ['2026-10-25T00:59:30'])
  t.deepEqual(read(['Oct 25 02:00:30'], last, 'Europe/Berlin', before), ['2026-10-25T01:00:30'])
  t.deepEqual(read(['Oct 25 02:30:00', 'Oct 25 03:00:00'], last, 'Europe/Berlin', before + 7_200_000), [
    '2026-10-25T01:30:00',
    '2026-10-25T02:00:00',
  ])
  t.deepEqual(read(['Mar 29 02:30:00'], '2026-04-01T00:00:00Z', 'Europe/Berlin'), ['2026-03-29T01:30:00']) // never was
})

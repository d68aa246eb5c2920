import test from 'ava'
import fc from 'fast-check'
import { eventMonth } from '#services/catalog/elastic-event-index.ts'

test('an event lies in the month in which it happened', (t) => {
  t.is(eventMonth({ at: '2026-11-01T00:00:00.000Z' }), '2026.11')
  t.is(eventMonth({ at: '2026-10-31T23:59:59.999Z', receivedAt: '2026-11-01T00:00:01.000Z' }), '2026.10')
  t.is(eventMonth({ at: '2025-10-20T00:00:00Z', receivedAt: '2026-11-20T00:00:00Z' }), '2025.10')
  t.is(eventMonth({ at: '2026-12-01T00:00:00Z', receivedAt: '2026-11-30T12:00:00Z' }), '2026.12')
})

test('a time that cannot be right gives way to the time of receipt', (t) => {
  const receivedAt = '2026-11-20T00:00:00.000Z'
  for (const at of [
    '1970-01-01T00:00:00Z',
    '2025-10-15T23:59:59.999Z',
    '2026-11-21T00:00:00.001Z',
    '9999-12-31T23:59:59Z',
  ])
    t.is(eventMonth({ at, receivedAt }), '2026.11', at)
})

test('years beyond four digits share one index', (t) => {
  t.is(eventMonth({ at: new Date(8.64e15).toISOString() }), 'other')
  t.is(eventMonth({ at: new Date(-8.64e15).toISOString() }), 'other')
})

test('whatever an agent claims, events received in one month lie in at most 15 months, always the same', (t) => {
  const receivedMs = Date.UTC(2026, 10, 20)
  const receivedAt = new Date(receivedMs).toISOString()
  const months = new Set<string>()
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date(Date.UTC(2100, 0)), noInvalidDate: true }), (date) => {
      const event = { at: date.toISOString(), receivedAt }
      months.add(eventMonth(event))
      return eventMonth({ ...event }) === eventMonth(event)
    }),
    { seed: 2026, numRuns: 5_000 },
  )
  t.true(months.size <= 15, [...months].join(' '))
})

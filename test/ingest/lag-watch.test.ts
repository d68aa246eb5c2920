import test from 'ava'
import { lagLevel } from '#ingest/lag-watch.ts'

const dayMs = 86_400_000

test('a lag of more than a quarter of the retention alerts, of more than half of it pages', (t) => {
  const levels = [0, 3.5, 3.6, 7, 7.1, 20].map((days) => lagLevel(days * dayMs, 14 * dayMs))
  t.deepEqual(levels, ['none', 'none', 'alert', 'alert', 'page', 'page'])
})

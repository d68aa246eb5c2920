import test from 'ava'
import { newClusterId } from '#services/bus/kafka-cluster-id.ts'

test('an id of a cluster never looks like an option of a command', (t) => {
  const ids = Array.from({ length: 2_000 }, newClusterId)
  t.is(ids.filter((id) => /^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/.test(id)).length, ids.length)
})

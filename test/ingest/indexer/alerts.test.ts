import test from 'ava'
import { createIndexer } from '#ingest/indexer/indexer.ts'
import type { Bus, BusRecord, NewRecord } from '#services/bus/bus.ts'
import { BartizanError } from '#services/errors.ts'
import type { Alert } from '#services/schema/alert.ts'
import { alert } from '#test/contract/catalog-alerts.ts'
import { at } from '#test/contract/catalog-place.ts'
import { closeSharedCatalog, ingestBackends } from '#test/helpers/ingest-backends.ts'
import { until } from '#test/helpers/until.ts'
import { isCaughtUp, runningIndexer } from './place.ts'

test.after.always(closeSharedCatalog)

const said = (one: Alert, key = one.id): NewRecord => ({
  topic: 'alerts',
  key,
  value: Buffer.from(JSON.stringify(one)),
})
const caughtUp = (bus: Bus) =>
  until(() => isCaughtUp(bus), { limitMs: 30_000, what: 'the indexer to commit everything' })
const deadLetters = async (bus: Bus): Promise<BusRecord[]> => {
  const partitions = Array.from({ length: bus.partitions('dead-letters') }, (_, partition) => partition)
  return (
    await Promise.all(partitions.map((partition) => bus.read({ topic: 'dead-letters', partition }, 0, 100)))
  ).flat()
}

test('alerts are found with their last revision and what people decided, however often they come', async (t) => {
  const { bus, catalog, registry } = await runningIndexer(t)
  const first = alert('a', 0)
  const grown = { ...first, revision: 2, count: 7 }
  const triage = { status: 'resolved', actor: 'bob', at: at(9), reason: 'a test' } as const
  await bus.produce([said(first), said(grown), said({ ...first, status: 'resolved', triage }), said(grown)])
  await caughtUp(bus)
  t.deepEqual(await catalog.alert(first.id), { ...grown, status: 'resolved', triage })
  t.regex(await registry.metrics(), /bartizan_indexer_alerts_total 4/)
})

test('what is no alert, or under another key than its id, becomes a dead letter, and the rest goes on', async (t) => {
  const { bus, catalog } = await runningIndexer(t)
  const [good, other] = [alert('good', 0), alert('other', 1)]
  await bus.produce([
    { topic: 'alerts', key: 'x', value: Buffer.from('no JSON') },
    { topic: 'alerts', key: 'x', value: Buffer.from(JSON.stringify({ ...good, severity: 'secret-severity' })) },
    said(other, good.id),
    said(good),
  ])
  await caughtUp(bus)
  t.deepEqual((await catalog.alerts({ limit: 5 })).items, [good])
  const letters = await deadLetters(bus)
  t.deepEqual(
    letters.map(({ headers }) => headers.code),
    Array(3).fill('BTZ_REQUEST_INVALID'),
  )
  t.deepEqual(letters.map(({ headers }) => headers.reason).sort(), [
    'not JSON',
    'severity: invalid_value',
    'the key is not the id of the alert',
  ])
})

test('an alert that the catalog can never take is put aside alone (a catalog that refuses one)', async (t) => {
  const backends = await ingestBackends(t)
  const { bus, catalog } = backends
  const [good, bad, last] = [alert('kept-1', 0), alert('bad', 1), alert('kept-2', 2)]
  const putAlerts = async (alerts: Alert[]): Promise<void> => {
    if (alerts.some(({ id }) => id === bad.id)) throw new BartizanError('BTZ_CATALOG_REFUSED', 'refused for ever')
    await catalog.putAlerts(alerts)
  }
  await bus.produce([said(good), said(bad), said(last)])
  const indexer = await createIndexer({ ...backends, catalog: { ...catalog, putAlerts } })
  t.teardown(indexer.close)
  await caughtUp(bus)
  t.deepEqual(
    (await catalog.alerts({ limit: 5 })).items.map(({ id }) => id),
    [last.id, good.id],
  )
  const letters = await deadLetters(bus)
  t.deepEqual(
    letters.map(({ headers }) => headers.code),
    ['BTZ_CATALOG_REFUSED'],
  )
  t.deepEqual(Buffer.from(letters[0]!.value), Buffer.from(said(bad).value))
})

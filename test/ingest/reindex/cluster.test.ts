import test from 'ava'
import { newTally } from '#ingest/reindex/context.ts'
import { reindex } from '#ingest/reindex/reindex.ts'
import { systemClock } from '#services/clock.ts'
import { connectElastic } from '#services/elastic/elastic-client.ts'
import { createLogger } from '#services/log.ts'
import type { RecordingReader, StoredObject } from '#services/recordings/recording-store.ts'
import { listObjects } from '#services/verify/read-objects.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { refreshAll } from '#test/helpers/open-elastic-catalog.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { openErasurePlace } from '../../flow/erasure-place.ts'
import { derivedOf } from './place.ts'

const derivedIndices = ['events-*', 'commands', 'sessions', 'alerts', 'progress', 'evidence', 'screens']

onServices(test, (services) => {
  test('in a cluster indices that were deleted are filled again from evidence, while ingest runs', async (t) => {
    const place = await openErasurePlace(await temporaryFolder(t), services)
    t.teardown(place.close)
    const { backends, config } = place
    const ids = [await place.record(), await place.record()]
    const isDerived = async () => {
      await place.drain()
      const listed = await Promise.all(ids.map((id) => backends.views.segments(id)))
      return listed.every((one) => one?.isEnded) && (await backends.catalog.alerts({ limit: 10 })).items.length > 0
    }
    await until(isDerived, { limitMs: 120_000, everyMs: 300, what: 'all to be derived' })
    await refreshAll(config.elasticsearch)
    const { perSession: before, events } = await derivedOf(backends)
    const elastic = connectElastic(config.elasticsearch)
    t.teardown(elastic.close)
    const { indexPrefix } = config.elasticsearch
    const { body } = await elastic.request<Record<string, object>>({ method: 'GET', path: `/${indexPrefix}-*` })
    const names = Object.keys(body).filter((name) => !name.endsWith('-state'))
    t.true(names.length >= derivedIndices.length)
    await elastic.request({ method: 'DELETE', path: `/${names.join(',')}` })

    const { graceMs } = config.detectors.recordingGap
    const log = createLogger('reindex', 'silent')
    // The bucket is shared with other tests: what is theirs is left out.
    const ours = [...ids, `/${backends.bus.id}/`]
    const list: RecordingReader['list'] = async (prefix, options) => {
      const all: StoredObject[] = []
      for await (const object of listObjects({ ...backends.recordings, locks: false }, prefix))
        if (ours.some((name) => object.key.includes(name)) && object.key > (options.after ?? '')) all.push(object)
      return all.slice(0, options.limit)
    }
    const recordings = { ...backends.recordings, list, locks: false }
    const context = { ...backends, recordings, clock: systemClock, log, graceMs, isAlone: false, tell: () => {} }
    const tally = await reindex(context, { viewsOnly: false })
    t.like(tally, { ...newTally(), sessions: 2, events: tally.events, alerts: tally.alerts, refused: tally.refused })
    await refreshAll(config.elasticsearch)
    const after = await derivedOf(backends)
    t.deepEqual(after.perSession, before)
    const known = new Set(after.events.map(({ id }) => id))
    t.deepEqual(
      events.filter(({ id }) => !known.has(id)),
      [],
    )
  })
})

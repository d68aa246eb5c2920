import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { createOrphanWatch, isOrphan } from '#ingest/recorder/orphan-watch.ts'
import { SignedHeadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { SessionId } from '#services/schema/ids.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { sessionRow, update } from '#test/contract/catalog-place.ts'
import { frameWorkers } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { createSessionBatches } from '#test/helpers/session-batches.ts'
import { hexOf, storedEvidence } from '#test/helpers/stored-evidence.ts'

test.after.always(closeSharedCatalog)

const dayMs = 86_400_000
const session = {
  state: 'open',
  evidence: 'pending',
  startedAt: '2026-01-31T00:00:00.000Z',
  lastActivityAt: '2026-01-31T12:00:00.000Z',
} as const
const activeMs = Date.parse(session.lastActivityAt)

const toldOf = async ({ bus }: Awaited<ReturnType<typeof frameWorkers>>, id: string): Promise<unknown[]> => {
  const told: SessionEvent[] = []
  for (let partition = 0; partition < bus.partitions('session-events'); partition++)
    for (const { value } of await bus.read({ topic: 'session-events', partition }, 0, 1_000))
      told.push(JSON.parse(Buffer.from(value).toString()))
  return told.flatMap((event) => (event.sessionId === id && event.source === 'ledger' ? [event.gap] : []))
}

test.serial('a session is an orphan only when it is open, recorded, and nothing was heard for long enough', (t) => {
  t.true(isOrphan(session, 0, activeMs + dayMs, dayMs))
  t.false(isOrphan(session, 0, activeMs + dayMs - 1, dayMs))
  t.false(isOrphan(session, activeMs + 1, activeMs + dayMs, dayMs))
  t.false(isOrphan({ ...session, state: 'complete' }, 0, activeMs + dayMs, dayMs))
  t.false(isOrphan({ ...session, evidence: 'erased' }, 0, activeMs + dayMs, dayMs))
  t.true(isOrphan({ ...session, lastActivityAt: null }, 0, Date.parse(session.startedAt) + dayMs, dayMs))
})

test.serial(
  'silence closes a session provisionally, and what comes later leads to a manifest that names that one',
  async (t) => {
    const w = await frameWorkers(t)
    const worker = w.start()
    const session = createSessionBatches({ bastion: `silent-${Date.now()}` })
    const batches = [session.first(), session.next()]
    await worker.takeBatches(...batches)
    await worker.drain()
    const { sessionId: id, bastion } = session
    const at = new Date(w.clock.now()).toISOString()
    await w.catalog.indexFrames(
      update(sessionRow(0, { id: SessionId.parse(id), bastion, startedAt: at, lastActivityAt: at }), [0, 2]),
    )
    let heardMs = w.clock.now()
    const watch = createOrphanWatch(w.ctx, { lastHeartbeatMs: async () => heardMs, silentMs: 60_000 })

    w.clock.advance(2 * dayMs)
    heardMs = w.clock.now()
    await watch()
    t.is((await storedEvidence(w, id)).manifests.length, 0)
    w.clock.advance(dayMs)
    await watch()
    w.clock.advance(dayMs)
    await watch()
    t.like(await w.catalog.session(id), { state: 'truncated' })
    t.deepEqual(await toldOf(w, id), ['truncated'])
    t.like((await storedEvidence(w, id)).manifests, [{ provisional: true, endReason: 'unknown', previous: null }])

    batches.push(session.end(), session.withFields({ head: create(SignedHeadSchema, { hash: new Uint8Array(32) }) }))
    await worker.takeBatches(...batches.slice(2))
    const { manifests, ...stored } = await storedEvidence(w, id)
    t.deepEqual(stored.batches, hexOf(batches))
    t.is(manifests.length, 2)
    t.like(manifests[1], { provisional: false, endReason: 'exit' })
    t.regex(manifests[1]?.previous?.key ?? '', /manifest-0001$/)
  },
)

test.serial(
  'what is open of a silent agent is late, and open again when it is heard; what has ended stays',
  async (t) => {
    const w = await frameWorkers(t)
    const bastion = `quiet-${Date.now()}`
    const at = new Date(w.clock.now()).toISOString()
    const row = (n: number, more: object = {}) => sessionRow(n, { bastion, startedAt: at, lastActivityAt: at, ...more })
    const [open, ended] = [row(0), row(1, { state: 'complete', endedAt: at })]
    for (const each of [open, ended]) await w.catalog.indexFrames(update(each, [0, 2]))
    let heardMs = w.clock.now()
    const silentMs = 20 * 60_000
    const watch = createOrphanWatch(w.ctx, { lastHeartbeatMs: async () => heardMs, silentMs })
    const states = async () => {
      await watch()
      return Promise.all([open, ended].map(async ({ id }) => (await w.catalog.session(id))?.state))
    }
    w.clock.advance(silentMs - 1)
    t.deepEqual(await states(), ['open', 'complete'])
    w.clock.advance(60_000)
    t.deepEqual(await states(), ['late', 'complete'])
    const first = (await w.catalog.sessions({ bastion, limit: 1 })).items
    t.like(first, [{ id: open.id, state: 'late' }], 'it is listed among those that go on')
    heardMs = w.clock.now() + 60_000
    w.clock.advance(60_000)
    t.deepEqual(await states(), ['open', 'complete'])
  },
)

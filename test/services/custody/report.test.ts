import { join } from 'node:path'
import test from 'ava'
import { v7 as uuidv7 } from 'uuid'
import { sayReport } from '#ingest/custody/report-nightly.ts'
import { runDisposal } from '#services/custody/dispose/dispose.ts'
import { makeReport, reportLines } from '#services/custody/report.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { createFileDisposalStore } from '#services/recordings/file-disposal-store.ts'
import { dateOf, sessionPrefix } from '#services/recordings/format/evidence-keys.ts'
import { SessionId } from '#services/schema/ids.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { openDisposalPlace, requester } from '#test/helpers/disposal.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const dayMs = 86_400_000

test('the report counts what is held, ends soon, is past its date or was disposed of, and names forgotten holds', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const clock = { now: () => Date.now() + 400 * dayMs }
  const place = await openDisposalPlace(data, async () => createFileDisposalStore(data, clock))
  t.teardown(place.close)
  const { backends, custody, store, context } = place
  const put = async (days: number) => {
    const sessionId = SessionId.parse(uuidv7())
    const key = `${sessionPrefix(dateOf(Date.now()), sessionId)}000000000000`
    await backends.recordings.put(key, Buffer.alloc(100), { retainUntil: new Date(Date.now() + days * dayMs) })
    return sessionId
  }
  const [, held] = [await put(1), await put(1), await put(410), await put(420), await put(700)]
  await custody.hold(held, { reason: 'a court asks', by: { id: 'x', name: 'alice', role: 'custodian' } })
  const options = { ...backends, custody, store, clock, verifier: verifierOf(backends.logKey) }
  const before = await makeReport(options)
  t.like(before, {
    held: { sessions: 1, objects: 1, sizeBytes: 100 },
    ...{ expiring: { objects: 2 }, expired: { objects: 1 }, disposed: 0, isWhole: true },
    idleHolds: { sessions: 1, named: [held] },
  })
  await runDisposal(context, { reason: 'its time is over', by: requester, limit: 10, tell: () => {} })
  const after = await makeReport({ ...options, clock: { now: () => Date.now() + 1_000 } })
  t.like(after, { expired: { objects: 0 }, disposed: 1, idleHolds: { sessions: 0 } })

  for (let night = 0; night < 2; night++) await sayReport({ ...options, bastion: 'jump1' })
  const said = []
  for (let partition = 0; partition < backends.bus.partitions('session-events'); partition++)
    said.push(...(await backends.bus.read({ topic: 'session-events', partition }, 0, 10)))
  const events = said.map(({ value }) => SessionEvent.parse(JSON.parse(Buffer.from(value).toString())))
  const reports = events.filter((event) => event.kind === 'access' && event.action === 'custody.report')
  t.is(reports.length, 2)
  t.is(new Set(reports.map(({ id }) => id)).size, 1, 'of a day there is one')
  t.true(reportLines(after).some((line) => line.includes('disposed of in the last day: 1 objects')))
})

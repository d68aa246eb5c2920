import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createStatements, latenessMs } from '#ingest/ledger/daily-statements.ts'
import { createSilences } from '#services/agents/silences.ts'
import { openStatement, sentenceOf, statementHash, statementsRoot } from '#services/coverage/statement-format.ts'
import { createLogger } from '#services/log.ts'
import { readLeaf } from '#services/proofs/leaf.ts'
import { createLogReader } from '#services/proofs/log-reader.ts'
import { verifierOf } from '#services/proofs/note.ts'
import type { RecordingReader } from '#services/recordings/recording-store.ts'
import type { Statement } from '#services/schema/statement.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import { ended, epochMs, event, sessionRow, update } from '#test/contract/catalog-place.ts'
import { openSqliteCatalog } from '#test/helpers/open-sqlite-catalog.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { busWith, newSigner, newStore, startWriter } from '../log/log-place.ts'

const log = createLogger('statements', 'silent')
const dayMs = 86_400_000
const midnightMs = Math.floor(epochMs / dayMs) * dayMs // of 2026-11-21, when the rows of the catalog's tests begin
const day = 86_400

/** Catalog, state, store and bus are real; the clock stands until it is moved. */
const place = async (t: ExecutionContext) => {
  let nowMs = midnightMs
  const clock = { now: () => nowMs }
  const folder = await temporaryFolder(t)
  const catalog = await openSqliteCatalog({ file: join(folder, 'catalog.db') })
  const state = await createSqliteStateStore({ file: join(folder, 'state.db') })
  t.teardown(() => Promise.all([catalog.close(), state.close()]))
  const [recordings, bus, logKey] = [await newStore(t), await busWith(t, []), newSigner()]
  const silences = createSilences({ state })
  const process = (own: Partial<{ state: StateStore }> = {}) =>
    createStatements({
      ...{ catalog, state, recordings, bus, logKey, silences, clock, maxRetentionYears: 10, log },
      ...own,
    })
  const verifier = verifierOf(logKey)
  return {
    ...{ catalog, state, recordings, bus, logKey, silences, process, verifier },
    to: (ms: number) => {
      nowMs = midnightMs + ms
    },
    /** By key; each is opened with the log's public key. */
    statements: async (): Promise<[string, Statement][]> =>
      Promise.all(
        (await recordings.list(statementsRoot, { limit: 1_000 })).map(async ({ key }) => [
          key.slice(statementsRoot.length),
          openStatement(await recordings.get(key), verifier),
        ]),
      ),
    leaves: async (): Promise<number> => {
      const records = await bus.read({ topic: 'log-entries', partition: 0 }, 0, 1_000)
      return new Set(records.map(({ value }) => readLeaf(value)!.id)).size
    },
  }
}

const firstDay = async ({ catalog, silences }: Awaited<ReturnType<typeof place>>) => {
  const open = sessionRow(60)
  const missing = sessionRow(90, { recorded: false, state: 'missing' })
  await catalog.indexFrames(update(ended(sessionRow(0), 30), [0, 1]))
  await catalog.indexFrames(update(open, [0, 1]))
  await catalog.putUnrecorded([missing], [])
  await catalog.putEvents([event(0, { bastion: 'quiet' })])
  await silences.end('bastion-1', epochMs, epochMs + 45_000)
  return { open, missing }
}

test('a day that is over is stated once, an hour later, signed, with its gaps, and stands in the log', async (t) => {
  const p = await place(t)
  const { missing } = await firstDay(p)
  p.to(dayMs + latenessMs - 1)
  await p.process().makeDue()
  t.deepEqual(await p.statements(), [])
  p.to(dayMs + latenessMs)
  await Promise.all([p.process().makeDue(), p.process().makeDue()])
  await p.process().makeDue()
  const [[key, statement] = [], [otherKey, quiet] = [], ...more] = await p.statements()
  t.deepEqual([key, otherKey, more], ['2026-11-21/bastion-1/0001', '2026-11-21/quiet/0001', []])
  t.like(statement, { seen: 3, complete: 1, open: 1, number: 1, replaces: null, agentSilentMs: 45_000, unlisted: 0 })
  t.like(statement!.gaps, { missing: 1, truncated: 0 })
  t.deepEqual(statement!.listed, [{ sessionId: missing.id, state: 'missing' }])
  t.is(
    sentenceOf(statement!),
    'bastion-1 2026-11-21 UTC: 3 seen, 1 complete, 1 open; gaps: 1 missing; agent silent for 45 s',
  )
  t.like(quiet, { seen: 0, complete: 0 })
  t.is(await p.leaves(), 2)
})

test('days during which nothing ran are stated at the next start, and what changed since is corrected once', async (t) => {
  const p = await place(t)
  const { open, missing } = await firstDay(p)
  p.to(dayMs + latenessMs)
  await p.process().makeDue()
  await p.catalog.putUnrecorded([], [missing.id])
  await p.catalog.indexFrames(update(ended(open, 70), [1, 2]))
  await p.catalog.indexFrames(update(ended(sessionRow(2 * day), 2 * day + 9), [0, 1]))
  p.to(5 * dayMs + latenessMs)
  await p.process().makeDue()
  await p.process().makeDue()
  const statements = new Map(await p.statements())
  t.deepEqual(
    [...statements.keys()],
    ['2026-11-21/bastion-1/0001', '2026-11-21/bastion-1/0002', '2026-11-21/quiet/0001', '2026-11-23/bastion-1/0001'],
  )
  const first = await p.recordings.get(`${statementsRoot}2026-11-21/bastion-1/0001`)
  t.like(statements.get('2026-11-21/bastion-1/0002'), {
    ...{ seen: 2, complete: 2, open: 0, listed: [] },
    replaces: statementHash(first),
  })
  t.is(await p.leaves(), 4)
})

test('a process that ends between any two writes leaves what the next one makes whole, and the same', async (t) => {
  const p = await place(t)
  await firstDay(p)
  p.to(dayMs + latenessMs)
  for (let writes = 0; writes < 4; writes++) {
    let left = writes
    const put: StateStore['put'] = async (...args) => {
      if (left-- === 0) throw new Error('the process ends here')
      return p.state.put(...args)
    }
    await p
      .process({ state: { ...p.state, put } })
      .makeDue()
      .catch(() => {})
    await p.catalog.indexFrames(update(sessionRow(100 + writes), [0, 1])) // what is drafted stays as it was
  }
  await p.process().makeDue()
  const keys = (await p.statements()).map(([key]) => key)
  t.is(new Set(keys).size, keys.length)
  t.true(keys.includes('2026-11-21/bastion-1/0001') && keys.includes('2026-11-21/quiet/0001'), keys.join())
  t.is(await p.leaves(), keys.length)
})

test('a state that was restored from before says nothing again, and corrects by the next number', async (t) => {
  const p = await place(t)
  const { missing } = await firstDay(p)
  p.to(dayMs + latenessMs)
  await p.process().makeDue()
  const before = await p.statements()
  for (const { key } of await p.state.list('statements/', { limit: 100 })) await p.state.delete(key)
  await p.process().makeDue()
  t.deepEqual(await p.statements(), before)
  t.is(await p.leaves(), before.length)
  for (const { key } of await p.state.list('statements/', { limit: 100 })) await p.state.delete(key)
  await p.catalog.putUnrecorded([], [missing.id])
  await p.process().makeDue()
  t.deepEqual(
    (await p.statements()).map(([key]) => key),
    ['2026-11-21/bastion-1/0001', '2026-11-21/bastion-1/0002', '2026-11-21/quiet/0001'],
  )
  t.is(await p.leaves(), 3)
})

test('verify checks statements: intact, altered, moved, gone', async (t) => {
  const p = await place(t)
  await firstDay(p)
  p.to(dayMs + latenessMs)
  await p.process().makeDue()
  const writer = await startWriter(t, { bus: p.bus, recordings: p.recordings, logKey: p.logKey })
  const reader = createLogReader(p.recordings, p.verifier)
  await until(async () => {
    await writer.drain()
    return (await reader.latestSize()) === 2
  })
  const [one = '', other = ''] = (await p.statements()).map(([key]) => statementsRoot + key)
  const found = async (over: Partial<RecordingReader>) => {
    const source = { ...p.recordings, locks: false, ...over }
    const findings: string[] = []
    for await (const report of verifyEvidence(source, { prefix: '' }, null, undefined, {
      verifier: p.verifier,
      kept: [],
    }))
      if (report.type === 'finding') findings.push(`${report.finding.what} ${report.finding.where.key}`)
    return findings
  }
  t.deepEqual(await found({}), [])
  const altered = Buffer.from(await p.recordings.get(one))
  altered[30]! ^= 1
  const asIf = (bytes: Uint8Array) => ({
    get: async (key: string, range?: { start: number; length: number }) =>
      key === one ? bytes : p.recordings.get(key, range),
  })
  t.true((await found(asIf(altered))).includes(`statement ${one}`))
  t.true((await found(asIf(await p.recordings.get(other)))).includes(`misplaced ${one}`))
  const gone = await found({
    head: async (key) => (key === one ? null : p.recordings.head(key)),
    list: async (prefix, options) => (await p.recordings.list(prefix, options)).filter(({ key }) => key !== one),
  })
  t.deepEqual(gone, [`gone ${one}`])
})

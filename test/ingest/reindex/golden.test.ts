import { join } from 'node:path'
import test from 'ava'
import { newTally } from '#ingest/reindex/context.ts'
import { reindex } from '#ingest/reindex/reindex.ts'
import { systemClock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
import { createLogger } from '#services/log.ts'
import type { EvidenceFormat } from '#services/recordings/format/evidence-keys.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import type { EvidenceSource } from '#services/verify/read-objects.ts'
import { goldenEvidence } from '#test/helpers/golden-evidence.ts'
import { openSqliteCatalog } from '#test/helpers/open-sqlite-catalog.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const storeOf = (objects: Map<string, Uint8Array>): EvidenceSource => {
  const at = (key: string) => ({
    key,
    sizeBytes: objects.get(key)!.byteLength,
    retainUntil: null,
    storedAt: new Date(0),
  })
  return {
    locks: false,
    get: async (key) => objects.get(key)!,
    head: async (key) => (objects.has(key) ? at(key) : null),
    list: async (prefix, { after = '', limit }) =>
      [...objects.keys()]
        .filter((key) => key.startsWith(prefix) && key > after)
        .sort()
        .slice(0, limit)
        .map(at),
  }
}

for (const format of [0, 1] as EvidenceFormat[])
  test(`what stands in evidence of format v${format} comes into catalog and views, and what was altered is named`, async (t) => {
    const golden = goldenEvidence(format)
    const folder = await temporaryFolder(t)
    const catalog = await openSqliteCatalog({ file: join(folder, 'catalog.db') })
    const state = await createSqliteStateStore({ file: join(folder, 'state.db') })
    t.teardown(() => Promise.all([catalog.close(), state.close()]))
    const keys = {
      get: async (id: string) => {
        const key = golden.keyOf(id)
        if (key) return key
        throw new BartizanError('BTZ_KEY_DESTROYED', id)
      },
    }
    const shared = { keys, catalog, views: catalog, state, clock: systemClock, log: createLogger('reindex', 'silent') }
    const context = { ...shared, recordings: storeOf(golden.objects), graceMs: 1, isAlone: true, tell: () => {} }
    const tally = await reindex(context, { viewsOnly: false })
    t.like(tally, { ...newTally(), sessions: 5, events: tally.events, refused: tally.refused, alerts: tally.alerts })
    t.true(tally.events + tally.alerts > 0)
    for (const name of ['text', 'tiny', 'binary', 'gap', 'provisional']) {
      const { sessionId, blocks, batches } = golden.sessionOf(name)
      const lastSeq = batches().at(-1)!.decoded.batchSeq
      t.is((await catalog.blocks(sessionId)).length, blocks.length, name)
      t.like(await catalog.segments(sessionId), { throughSeq: lastSeq }, name)
      t.like(await catalog.session(sessionId), { evidence: 'sealed', recorded: true }, name)
    }
    t.true((await catalog.session(golden.sessionOf('gap').sessionId))?.endDetail?.includes('never came'))

    const [torn] = golden.sessionOf('text').blocks
    const altered = Uint8Array.from(golden.objects.get(torn!)!)
    altered[7]! ^= 1
    const recordings = storeOf(new Map([...golden.objects, [torn!, altered]]))
    t.is((await reindex({ ...context, recordings }, { viewsOnly: true })).damaged, 1)
  })

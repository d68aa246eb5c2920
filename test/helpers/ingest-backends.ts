import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createLogBus } from '#services/bus/log-bus.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import { createSqliteCatalog } from '#services/catalog/sqlite-catalog.ts'
import { type Clock, systemClock } from '#services/clock.ts'
import { type Config, loadConfig } from '#services/config.ts'
import { createFileKeyStore } from '#services/keys/file-key-store.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'

const log = pino({ level: 'silent' })

export type IngestBackendsOptions = {
  folder: string
  clock?: Clock
  partitions?: number
  ingest?: Partial<Config['ingest']>
  shared?: Promise<Catalog>
}

const openCatalog = (folder: string) =>
  createSqliteCatalog({ file: join(folder, 'catalog.db'), readers: 1, queryTimeoutMs: 5_000, clock: systemClock, log })

let ofThisFile: { folder: string; catalog: Promise<Catalog> } | undefined
/**
 * One catalog for all tests of a file: starting its threads takes longer than most tests, and their sessions differ.
 * To be closed by `test.after.always(closeSharedCatalog)`.
 */
const sharedCatalog = (): Promise<Catalog> => {
  if (!ofThisFile) {
    const folder = mkdtempSync(join(tmpdir(), 'bartizan-'))
    ofThisFile = { folder, catalog: openCatalog(folder) }
  }
  return ofThisFile.catalog
}
export const closeSharedCatalog = async (): Promise<void> => {
  if (!ofThisFile) return
  await (await ofThisFile.catalog).close()
  rmSync(ofThisFile.folder, { recursive: true, force: true })
}

/** The real back ends of the ingest stage on one folder, with a configuration that may differ from the defaults. */
export const openIngestBackends = async ({
  folder,
  clock = systemClock,
  partitions = 1,
  ingest,
  shared,
}: IngestBackendsOptions) => {
  const config = { ...loadConfig(undefined, {}).ingest, ...ingest }
  const bus = await createLogBus({
    folder: join(folder, 'bus'),
    partitions,
    segmentBytes: 64 * 1024 * 1024,
    retentionMs: 86_400_000,
    maxRecordBytes: 4 * 1024 * 1024,
    clock,
    log,
  })
  const recordings = await createFileRecordingStore({ folder, immutable: false, log })
  const keys = await createFileKeyStore({ folder: join(folder, 'keys'), clock })
  const catalog = await (shared ?? openCatalog(folder))
  const close = async () => {
    await bus.close()
    await Promise.all([recordings.close(), keys.close(), ...(shared ? [] : [catalog.close()])])
  }
  return {
    bus,
    origins: null,
    recordings,
    keys,
    catalog,
    config,
    retentionDays: 365,
    clock,
    log,
    registry: new Registry(),
    close,
  }
}
export type IngestBackends = Awaited<ReturnType<typeof openIngestBackends>>

/** `folder`: one that is there already, with a catalog of its own. */
export const ingestBackends = async (
  t: Teardown,
  options: Partial<IngestBackendsOptions> = {},
): Promise<IngestBackends & { folder: string }> => {
  const folder = options.folder ?? (await temporaryFolder(t))
  const shared = options.folder === undefined ? { shared: sharedCatalog() } : {}
  const backends = await openIngestBackends({ ...shared, ...options, folder })
  t.teardown(backends.close)
  return { ...backends, folder }
}

/** A clock that stands still until it is moved. */
export const manualClock = (startMs = Date.UTC(2026, 0, 31, 12)): Clock & { advance(ms: number): void } => {
  let nowMs = startMs
  return {
    now: () => nowMs,
    advance: (ms) => {
      nowMs += ms
    },
  }
}

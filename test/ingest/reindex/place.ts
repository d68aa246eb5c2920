import { DatabaseSync } from 'node:sqlite'
import { type Backends, openBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { allPages } from '#test/contract/catalog-place.ts'

const log = createLogger('reindex', 'silent')

/** All that can be asked of catalog and views, in a form that can be compared. */
export const derivedOf = async ({ catalog, views }: Pick<Backends, 'catalog' | 'views'>) => {
  const page = (cursor?: string) => ({ limit: 200, ...(cursor && { cursor }) })
  const sessions = (await allPages((cursor) => catalog.sessions(page(cursor)))).sort((a, b) => (a.id < b.id ? -1 : 1))
  const perSession = sessions.map(async ({ id }) => {
    const listed = await views.segments(id)
    const segments = (listed?.segments ?? []).map(({ number }) => views.segment(id, number))
    return {
      id,
      commands: await allPages((cursor) => catalog.commands(id, page(cursor))),
      blocks: await catalog.blocks(id),
      listed,
      segments: await Promise.all(segments),
      progress: (await catalog.progress(id))?.nextSeq,
      screen: await views.screenProgress(id),
    }
  })
  return {
    sessions,
    perSession: await Promise.all(perSession),
    events: (await allPages((cursor) => catalog.events(page(cursor)))).sort((a, b) => (a.id < b.id ? -1 : 1)),
    alerts: (await allPages((cursor) => catalog.alerts(page(cursor)))).sort((a, b) => (a.id < b.id ? -1 : 1)),
    coverage: (await catalog.coverage({ from: '2020-01-01', to: '2030-01-01', limit: 100 })).items,
  }
}

export const textsOf = (file: string): unknown[] => {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database
    .prepare(
      `SELECT s.session_id AS sessionId, x.number, x.at_ms AS atMs, x.text FROM screen x
         JOIN screen_session s ON s.number = x.screen_number ORDER BY 1, 2`,
    )
    .all()
  database.close()
  return rows.map((row) => ({ ...row }))
}

/** What is derived, as a process finds it that has just been started. */
export const derivedIn = async (config: Config) => {
  const backends = await openBackends(config, systemClock, log)
  try {
    return await derivedOf(backends)
  } finally {
    await backends.close()
  }
}

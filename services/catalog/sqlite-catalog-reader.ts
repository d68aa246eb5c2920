import { workerData } from 'node:worker_threads'
import { openSqliteFile, sqliteError } from '../sqlite/sqlite-file.ts'
import { answerCalls } from '../worker-calls.ts'
import { migrations } from './migrations.ts'
import { readHitRows, readValues } from './sqlite-hit-rows.ts'
import { readAlert, readAlerts } from './sqlite-read-alerts.ts'
import { readBlocks, readCommands, readRanges } from './sqlite-read-commands.ts'
import { readCoverage } from './sqlite-read-coverage.ts'
import { readEvents } from './sqlite-read-events.ts'
import { readLiveState, readSegment, readSegments, readUnavailable } from './sqlite-read-screen.ts'
import { readSession, readSessions } from './sqlite-read-sessions.ts'
import { search } from './sqlite-search.ts'
import { createSelect, type Select } from './sqlite-select.ts'

/** A thread that answers queries. */

const reads = {
  session: readSession,
  sessions: readSessions,
  commands: readCommands,
  blocks: readBlocks,
  ranges: readRanges,
  coverage: readCoverage,
  events: readEvents,
  alert: readAlert,
  alerts: readAlerts,
  search,
  hitRows: readHitRows,
  fieldValues: readValues,
  segments: readSegments,
  segment: readSegment,
  liveState: readLiveState,
  unavailable: readUnavailable,
}
type Reads = typeof reads

/** Each takes its query and the time it has, in ms. */
export type ReaderOperations = {
  [Name in keyof Reads]: (query: Parameters<Reads[Name]>[1], leftMs: number) => ReturnType<Reads[Name]>
}

const createOperations = (select: Select, file: string): ReaderOperations => {
  const limited =
    <Query, Result>(read: (select: Select, query: Query) => Result) =>
    (query: Query, leftMs: number): Result => {
      select.allow(leftMs)
      try {
        return read(select, query)
      } catch (error) {
        throw sqliteError(error, file)
      }
    }
  const { session, sessions, commands, blocks, ranges, coverage, events, alert, alerts, search } = reads
  return {
    session: limited(session),
    sessions: limited(sessions),
    commands: limited(commands),
    blocks: limited(blocks),
    ranges: limited(ranges),
    coverage: limited(coverage),
    events: limited(events),
    alert: limited(alert),
    alerts: limited(alerts),
    search: limited(search),
    hitRows: limited(reads.hitRows),
    fieldValues: limited(reads.fieldValues),
    segments: limited(reads.segments),
    segment: limited(reads.segment),
    liveState: limited(reads.liveState),
    unavailable: limited(reads.unavailable),
  }
}

answerCalls(() => {
  const { file } = workerData as { file: string }
  const database = openSqliteFile(file, migrations)
  database.exec('PRAGMA query_only = ON; PRAGMA cache_size = -65536') // KiB
  return { operations: createOperations(createSelect(database), file), close: () => database.close() }
})

import { createIndexer } from '#ingest/indexer/indexer.ts'
import { createScreenIndexer } from '#ingest/indexer/screen/screen-indexer.ts'
import { watchLag } from '#ingest/lag-watch.ts'
import { makeStatements } from '#ingest/ledger/daily-statements.ts'
import { watchSilence } from '#ingest/ledger/silence-watch.ts'
import { createLogWriter } from '#ingest/log/log-writer.ts'
import { createEventRecorder } from '#ingest/recorder/event-recorder.ts'
import { createRecorder } from '#ingest/recorder/recorder.ts'
import { createHeartbeats, type Heartbeats } from '#services/agents/heartbeats.ts'
import { createListening } from '#services/agents/listening.ts'
import { createSilences } from '#services/agents/silences.ts'
import type { Backends } from '#services/backends.ts'
import { createRetentionRules } from '#services/custody/retention-rules.ts'
import { createErasedSessions } from '#services/erasure/erased-sessions.ts'
import { startDeadManOf } from '../dead-man.ts'
import { openKnownNames } from './known-names.ts'
import type { Closing, DrainedStage, StageOptions } from './stage.ts'

/** What all of them get. */
const sharedOf = ({ config, backends, clock, registry }: StageOptions<Backends>) => ({
  ...{ ...backends, config: config.ingest, retentionDays: config.recordings.retentionDays, clock, registry },
})

/** What is missing, and what is stated of a day that is over. */
const ledgerOf = ({ config, backends, clock, log }: StageOptions<Backends>, heartbeats: Heartbeats): Closing => {
  const own = { ...backends, silences: createSilences(backends), clock, log: log.child({ stage: 'ledger' }) }
  const silence = watchSilence({ ...own, heartbeats, listening: createListening({ ...backends, clock }) })
  const statements = makeStatements({ ...own, maxRetentionYears: config.recordings.maxRetentionYears })
  return { close: async () => void (await Promise.all([silence.close(), statements.close()])) }
}

/** Bus → evidence, and evidence → transparency log. */
const evidenceOf = async (options: StageOptions<Backends>, heartbeats: Heartbeats): Promise<DrainedStage> => {
  const { config, log } = options
  const { retention, maxRetentionYears } = config.recordings
  const shared = sharedOf(options)
  const known = retention.length === 0 ? null : openKnownNames({ ...options, log: log.child({ stage: 'recorder' }) })
  const recorder = await createRecorder({
    ...shared,
    ...(known && { daysFor: createRetentionRules(retention, known) }),
    silence: { lastHeartbeatMs: heartbeats.lastMs, silentMs: config.detectors.recordingGap.silentMs },
    log: log.child({ stage: 'recorder' }),
  })
  const eventRecorder = await createEventRecorder({ ...shared, log: log.child({ stage: 'event-recorder' }) })
  const logWriter = await createLogWriter({
    ...{ ...shared, maxRetentionYears, bastion: config.bastion },
    log: log.child({ stage: 'log-writer' }),
  })
  return {
    drain: async () => {
      await Promise.all([recorder.drain(), eventRecorder.drain()])
      await logWriter.drain()
    },
    close: async () => {
      await Promise.all([recorder.close(), eventRecorder.close()])
      known?.close()
      await logWriter.close()
    },
  }
}

/** Bus → catalog, bus → views. */
const derivedOf = async (options: StageOptions<Backends>): Promise<Closing> => {
  const { config, backends, clock, log } = options
  const { silentMs, graceMs } = config.detectors.recordingGap
  const shared = { ...sharedOf(options), erased: createErasedSessions({ ...backends, clock }) }
  const indexer = await createIndexer({
    ...{ ...shared, lateAfterMs: silentMs, graceMs },
    log: log.child({ stage: 'indexer' }),
  })
  const screens = await createScreenIndexer({ ...shared, log: log.child({ stage: 'screen' }) })
  return { close: async () => void (await Promise.all([indexer.close(), screens.close()])) }
}

const lagOf = (options: StageOptions<Backends>): Closing => {
  const { bus, bastion } = options.config
  const log = options.log.child({ stage: 'lag' })
  return watchLag({ ...sharedOf(options), retentionMs: bus.retentionMs, bastion, log })
}

/** Bus → evidence, bus → transparency log, bus → catalog, bus → views: five consumer groups that do not wait for each other. */
export const ingestStage = async (options: StageOptions<Backends>): Promise<DrainedStage> => {
  const { backends, clock, log } = options
  const heartbeats = createHeartbeats({ ...backends, clock, log })
  const ledger = ledgerOf(options, heartbeats)
  const evidence = await evidenceOf(options, heartbeats)
  const derived = await derivedOf(options)
  const lag = lagOf(options)
  const deadMan = startDeadManOf(options)
  return {
    drain: evidence.drain,
    close: async () => {
      await deadMan?.close()
      await ledger.close()
      await Promise.all([lag.close(), evidence.close(), derived.close()])
    },
  }
}

import { join } from 'node:path'
import type { Router } from 'express'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { createDeadLetterDesk } from '#delivery/dead-letters.ts'
import { createDelivery } from '#delivery/delivery.ts'
import { createOperations } from '#delivery/operations.ts'
import { deliveryRoutes } from '#delivery/routes.ts'
import { sentCopies } from '#delivery/sent-copies.ts'
import { createDetectors } from '#detectors/detectors.ts'
import { loadDirectory } from '#detectors/directory/load-directory.ts'
import { forgetInStore } from '#detectors/runner/forget-session.ts'
import { createCustodian } from '#ingest/custody/custodian.ts'
import { eraseDue } from '#ingest/custody/erase.ts'
import { reportNightly } from '#ingest/custody/report-nightly.ts'
import { createIndexer } from '#ingest/indexer/indexer.ts'
import { createScreenIndexer } from '#ingest/indexer/screen/screen-indexer.ts'
import { watchLag } from '#ingest/lag-watch.ts'
import { makeStatements } from '#ingest/ledger/daily-statements.ts'
import { watchSilence } from '#ingest/ledger/silence-watch.ts'
import { createLogWriter } from '#ingest/log/log-writer.ts'
import { createReceiver } from '#ingest/receiver/receiver.ts'
import type { RecordingUploads } from '#ingest/receiver/recording-uploads.ts'
import { createEventRecorder } from '#ingest/recorder/event-recorder.ts'
import { createRecorder } from '#ingest/recorder/recorder.ts'
import { createAgentKeys } from '#services/access/agent-keys.ts'
import type { KnownNames } from '#services/access/matches-session.ts'
import { createOwnership } from '#services/access/ownership.ts'
import { createEnrolmentCodes } from '#services/agents/enrolment-codes.ts'
import { createHeartbeats } from '#services/agents/heartbeats.ts'
import { createListening, sayListeningCron } from '#services/agents/listening.ts'
import { createOrders } from '#services/agents/orders.ts'
import { findReceiverPlace } from '#services/agents/receiver-place.ts'
import { createSilences } from '#services/agents/silences.ts'
import { createSuppressions } from '#services/alerts/suppressions.ts'
import { createTriage } from '#services/alerts/triage.ts'
import { keepSaying } from '#services/alerts/triage-sweep.ts'
import { type Approvals, createApprovals } from '#services/approvals/approvals.ts'
import { type Backends, openDisposalStore, openHoldStore, type ReceiverBackends } from '#services/backends.ts'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { createCustody } from '#services/custody/custody.ts'
import { createRetentionRules, type KnownLabels } from '#services/custody/retention-rules.ts'
import { createErasedSessions } from '#services/erasure/erased-sessions.ts'
import { createErasure } from '#services/erasure/erasure.ts'
import type { Logger } from '#services/log.ts'
import type { Authority } from '#services/pki/authority.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { createSavedSearches } from '#services/saved-searches/saved-searches.ts'
import { startSchedule } from '#services/schedule.ts'
import { createShares } from '#services/shares/shares.ts'
import { type Audit, createAudit } from '#viewer/access/audit.ts'
import { createContentGate } from '#viewer/access/content-gate.ts'
import { createLiveHub } from '#viewer/live/hub.ts'
import { createReplays } from '#viewer/playback/replays.ts'
import { type HealthContext, healthRoutes } from '#viewer/routes/health.ts'
import { createViewer } from '#viewer/viewer.ts'
import type { Access } from './access.ts'
import { startDeadManOf } from './dead-man.ts'
import { createUploadImport } from './import/upload.ts'

/** What every stage of a process gets. */
export type StageOptions<B> = {
  config: Config
  backends: B
  access: Access
  clock: Clock
  log: Logger
  registry: Registry
  ready: () => boolean
}
export type Closing = { close(): Promise<void> }
export type RoutedStage = Closing & { router: Router }
/** `drain`: stores now what is open, so that what was recorded and found stands before the end. */
export type DrainedStage = Closing & { drain(): Promise<void> }

export const createRegistry = (): Registry => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

const healthOf = ({ access, clock, ready, registry }: StageOptions<unknown>): HealthContext => ({
  ...access,
  clock,
  ready,
  metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
})

/** Health and metrics of a process without a console. */
export const healthStage = (options: StageOptions<unknown>): RoutedStage => ({
  router: healthRoutes(healthOf(options)),
  close: async () => {},
})

const uploadsOf = ({ data, ingest }: Config, importRecording: RecordingUploads['importRecording']) => ({
  folder: join(data, 'uploads'),
  limits: { maxBytes: ingest.maxRecordingBytes, soonBytes: 64 * 1024 * 1024, soonMs: 30_000 },
  importRecording,
})

/** Agents → bus. */
export const receiverStage = (
  options: StageOptions<ReceiverBackends>,
  authority: Authority | null = null,
): RoutedStage => {
  const { config, backends, access, registry, clock } = options
  const log = options.log.child({ stage: 'receiver' })
  const heartbeats = createHeartbeats({ ...backends, clock, log })
  const orders = createOrders({ ...backends, clock, log })
  const agentKeys = createAgentKeys({ ...backends, clock })
  const { tokens, enrolments } = access
  const codes = createEnrolmentCodes({ ...backends, clock })
  const router = createReceiver({
    ...{ ...backends, tokens, enrolments, agentKeys, heartbeats, orders, clock, log, registry },
    erased: createErasedSessions({ ...backends, clock }),
    plainFrom: config.receiver.plainFrom,
    enrolment: authority && { authority, codes, enrolments, agentKeys },
    recordings: uploadsOf(config, createUploadImport({ ...backends, config, agentKeys, clock, log })),
  })
  const saying = startSchedule(sayListeningCron, log, createListening({ ...backends, clock }).say)
  const close = async () => {
    orders.close()
    await saying.stop()
  }
  return { router, close }
}

/** Bus → evidence, bus → transparency log, bus → catalog, bus → views: five consumer groups that do not wait for each other. */
export const ingestStage = async (options: StageOptions<Backends>): Promise<DrainedStage> => {
  const { config, backends, clock, log, registry } = options
  const { silentMs, graceMs } = config.detectors.recordingGap
  const shared = { ...backends, config: config.ingest, retentionDays: config.recordings.retentionDays, clock, registry }
  const heartbeats = createHeartbeats({ ...backends, clock, log })
  const silence = watchSilence({
    heartbeats,
    listening: createListening({ ...backends, clock }),
    silences: createSilences(backends),
    ...{ bus: backends.bus, clock, log: log.child({ stage: 'ledger' }) },
  })
  const statements = makeStatements({
    ...backends,
    silences: createSilences(backends),
    maxRetentionYears: config.recordings.maxRetentionYears,
    ...{ clock, log: log.child({ stage: 'ledger' }) },
  })
  const { retention } = config.recordings
  const known = retention.length === 0 ? null : openKnownNames({ ...options, log: log.child({ stage: 'recorder' }) })
  const recorder = await createRecorder({
    ...shared,
    ...(known && { daysFor: createRetentionRules(retention, known) }),
    silence: { lastHeartbeatMs: heartbeats.lastMs, silentMs },
    log: log.child({ stage: 'recorder' }),
  })
  const eventRecorder = await createEventRecorder({ ...shared, log: log.child({ stage: 'event-recorder' }) })
  const { maxRetentionYears } = config.recordings
  const logWriter = await createLogWriter({
    ...shared,
    maxRetentionYears,
    bastion: config.bastion,
    log: log.child({ stage: 'log-writer' }),
  })
  const erased = createErasedSessions({ ...backends, clock })
  const indexer = await createIndexer({
    ...shared,
    erased,
    lateAfterMs: silentMs,
    graceMs,
    log: log.child({ stage: 'indexer' }),
  })
  const screens = await createScreenIndexer({ ...shared, erased, log: log.child({ stage: 'screen' }) })
  const { retentionMs } = config.bus
  const lag = watchLag({ ...shared, retentionMs, bastion: config.bastion, log: log.child({ stage: 'lag' }) })
  const deadMan = startDeadManOf(options)
  return {
    drain: async () => {
      await Promise.all([recorder.drain(), eventRecorder.drain()])
      await logWriter.drain()
    },
    close: async () => {
      await deadMan?.close()
      await Promise.all([silence.close(), statements.close()])
      await Promise.all([lag.close(), recorder.close(), eventRecorder.close(), indexer.close(), screens.close()])
      known?.close()
      await logWriter.close()
    },
  }
}

/** What people decided about evidence → the evidence store. `changed`: somebody decided something. */
export const custodyStage = async (options: StageOptions<Backends>): Promise<Closing & { changed(): void }> => {
  const { config, backends, clock, registry } = options
  const log = options.log.child({ stage: 'custody' })
  const holds = await openHoldStore(config, backends.recordings, clock)
  const { maxRetentionYears } = config.recordings
  const custody = createCustody({ ...backends, clock })
  const approvals = createApprovals({ ...backends, clock, expiresMs: config.approvals.expiresMs })
  const erasing = {
    ...{ ...backends, custody, approvals, clock, log, maxRetentionYears },
    erasure: createErasure({ custody, clock }),
    copiesOf: (sessionId: string) => sentCopies({ ...backends, sinks: config.sinks }, sessionId),
    forgetFindings: (sessionId: string) => forgetInStore(backends.state, sessionId),
    busRetentionMs: config.bus.retentionMs,
    backupDays: config.custody.backupDays,
  }
  const custodian = createCustodian({
    ...{ ...backends, holds, clock, log, registry, custody, approvals },
    acts: { ...backends, clock, maxRetentionYears },
    erase: () => eraseDue(erasing),
  })
  const store = await openDisposalStore(config, clock)
  const reporting = reportNightly({
    ...{ ...backends, custody, store, clock, log, bastion: config.bastion },
    verifier: verifierOf(backends.logKey),
    every: config.custody.report,
  })
  return {
    changed: custodian.soon,
    close: async () => {
      await reporting.stop()
      await custodian.close()
      await Promise.all([holds.close(), store.close()])
    },
  }
}

/** Bus → alerts. */
export const detectorsStage = async (
  options: StageOptions<Pick<Backends, 'bus' | 'origins' | 'state'>>,
): Promise<DrainedStage> => {
  const { config, backends, log } = options
  return createDetectors({
    ...options,
    ...backends,
    config: config.detectors,
    log: log.child({ stage: 'detectors' }),
  })
}

/** Bus → destinations outside, as the configuration names them. */
export const deliveryStage = async (
  options: StageOptions<ReceiverBackends>,
  publicUrl: () => string,
): Promise<Closing> => {
  const { backends, log } = options
  return createDelivery({ ...options, ...backends, publicUrl, log: log.child({ stage: 'delivery' }) })
}

/** What operators ask of destinations and of what was put aside. */
export const deliveryRouter = ({ config, backends, access, clock }: StageOptions<ReceiverBackends>): Router => {
  const operations = createOperations({ ...backends, sinks: config.sinks })
  const deadLetters = createDeadLetterDesk({ ...backends, resendTo: operations.resend })
  return deliveryRoutes({ ...backends, ...access, operations, deadLetters, bastion: config.bastion, clock })
}

/** What the operator's directory says of names, read again when it changes. */
const openKnownNames = ({
  config,
  clock,
  log,
}: StageOptions<unknown>): KnownNames & KnownLabels & { close(): void } => {
  const directory = loadDirectory({ file: config.detectors.directoryFile, log, clock })
  const personOf = (user: string) => directory.current().person(user, clock.now())
  return {
    namesOf: (name) => {
      const { name: fullName = null } = personOf(name) ?? {}
      return [directory.current().canonical(name), ...(fullName === null ? [] : [fullName])]
    },
    teamOf: (user) => personOf(user)?.team ?? null,
    groupsOf: (host) => directory.current().groupsOf(host),
    labelsOf: (user, hosts) => directory.current().labelsOf(user, hosts),
    close: directory.close,
  }
}

/** Who may see content of whom, and what takes a second person. */
const accessRules = (options: StageOptions<Backends>, audit: Audit) => {
  const { config, backends, clock } = options
  const known = openKnownNames(options)
  const {
    access: policy,
    approvals: { expiresMs },
  } = config
  const session = backends.catalog.session
  const ownership = createOwnership({ ...policy, ...known, session })
  const approvals = createApprovals({ ...backends, clock, expiresMs, people: ownership })
  const content = createContentGate({ ...backends, policy, known, ownership, approvals, audit })
  return { ownership, approvals, content, close: known.close }
}

/** What is decided may be due at once. */
const tellingDecisions = (approvals: Approvals, custodyChanged: () => void): Approvals => ({
  ...approvals,
  decide: async (...decision) => {
    const approval = await approvals.decide(...decision)
    custodyChanged()
    return approval
  },
})

/** Catalog and evidence → people. `publicUrl`: how browsers reach it. `custodyChanged`: for a custodian in this process. */
export const viewerStage = (
  options: StageOptions<Backends>,
  publicUrl: () => string,
  custodyChanged: () => void = () => {},
): RoutedStage => {
  const { config, backends, access, clock } = options
  const log = options.log.child({ stage: 'viewer' })
  const orders = createOrders({ ...backends, clock, log })
  const triage = createTriage({ ...backends, clock })
  const sweeping = keepSaying(triage, log)
  const audit = createAudit({ bus: backends.bus, bastion: config.bastion, clock })
  const rules = accessRules({ ...options, log }, audit)
  const live = createLiveHub({ ...backends, clock, log, registry: options.registry })
  const router = createViewer({
    ...healthOf(options),
    ...access,
    ...rules,
    approvals: tellingDecisions(rules.approvals, custodyChanged),
    custody: createCustody({ ...backends, clock }),
    custodyChanged,
    replays: createReplays({ ...backends, clock }),
    shares: createShares({ ...backends, clock, maxHours: config.access.shareHours }),
    silences: createSilences(backends),
    ...backends,
    logVerifier: verifierOf(backends.logKey),
    config,
    clock,
    log,
    audit,
    terminate: orders.terminate,
    triage,
    suppressions: createSuppressions({ ...backends, clock }),
    savedSearches: createSavedSearches({ ...backends, clock }),
    live,
    agents: {
      codes: createEnrolmentCodes({ ...backends, clock }),
      enrolments: access.enrolments,
      heartbeats: createHeartbeats({ ...backends, clock, log }),
      signingKeys: createAgentKeys({ ...backends, clock }),
      receiver: () => findReceiverPlace(backends.state),
    },
    publicUrl,
  })
  const close = async () => {
    orders.close()
    rules.close()
    await Promise.all([live.close(), sweeping.stop()])
  }
  return { router, close }
}

/** A one-time link for the owner's browser. */
export const ownerLink = async ({ loginLinks }: Access, publicUrl: string): Promise<string> => {
  const { code } = await loginLinks.issue({ name: 'owner', role: 'admin', actor: 'bartizan' })
  return `${publicUrl}/sign-in#${code}`
}

import { createAgentKeys } from '#services/access/agent-keys.ts'
import { createOwnership } from '#services/access/ownership.ts'
import { createEnrolmentCodes } from '#services/agents/enrolment-codes.ts'
import { createHeartbeats } from '#services/agents/heartbeats.ts'
import { createOrders } from '#services/agents/orders.ts'
import { findReceiverPlace } from '#services/agents/receiver-place.ts'
import { createSilences } from '#services/agents/silences.ts'
import { createSuppressions } from '#services/alerts/suppressions.ts'
import { createTriage } from '#services/alerts/triage.ts'
import { keepSaying } from '#services/alerts/triage-sweep.ts'
import { type Approvals, createApprovals } from '#services/approvals/approvals.ts'
import type { Backends } from '#services/backends.ts'
import { createCustody } from '#services/custody/custody.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { createSavedSearches } from '#services/saved-searches/saved-searches.ts'
import { createShares } from '#services/shares/shares.ts'
import { type Audit, createAudit } from '#viewer/access/audit.ts'
import { createContentGate } from '#viewer/access/content-gate.ts'
import { createLiveHub } from '#viewer/live/hub.ts'
import { createReplays } from '#viewer/playback/replays.ts'
import { createViewer } from '#viewer/viewer.ts'
import { healthOf } from './health.ts'
import { openKnownNames } from './known-names.ts'
import type { RoutedStage, StageOptions } from './stage.ts'

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

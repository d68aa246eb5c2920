import { sentCopies } from '#delivery/sent-copies.ts'
import { forgetInStore } from '#detectors/runner/forget-session.ts'
import { createCustodian } from '#ingest/custody/custodian.ts'
import { eraseDue } from '#ingest/custody/erase.ts'
import { reportNightly } from '#ingest/custody/report-nightly.ts'
import { createApprovals } from '#services/approvals/approvals.ts'
import { type Backends, openDisposalStore, openHoldStore } from '#services/backends.ts'
import { createCustody } from '#services/custody/custody.ts'
import { createErasure } from '#services/erasure/erasure.ts'
import { verifierOf } from '#services/proofs/note.ts'
import type { Closing, StageOptions } from './stage.ts'

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

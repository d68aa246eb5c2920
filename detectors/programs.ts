import type { Program } from './engine/folded.ts'
import { origins } from './origins.ts'
import type { AnyRule, EntityKind } from './rule.ts'
import { authFailuresAddress } from './rules/auth-failures-address.ts'
import { authFailuresUser } from './rules/auth-failures-user.ts'
import { authSuccessUser } from './rules/auth-success-after-failures.ts'
import { authSuccessSpray } from './rules/auth-success-after-spray.ts'
import { bulkTransfer } from './rules/bulk-transfer.ts'
import { newSourceIp } from './rules/new-source-ip.ts'
import { offHoursLogin } from './rules/off-hours-login.ts'
import { privilegeEscalation } from './rules/privilege-escalation.ts'
import { recordingGapBastion } from './rules/recording-gap-bastion.ts'
import { recordingGapUser } from './rules/recording-gap-user.ts'

export type Programs = Readonly<Record<EntityKind, Program>>

/** What is done with the events of each kind of entity: live, in `backtest` and in tests. */
export const createPrograms = (): Programs => ({
  user: {
    rules: [
      authFailuresUser,
      authSuccessUser,
      bulkTransfer,
      newSourceIp,
      offHoursLogin,
      privilegeEscalation,
      recordingGapUser,
    ] as AnyRule[],
    annotator: null,
  },
  network: { rules: [authFailuresAddress, authSuccessSpray] as AnyRule[], annotator: origins },
  bastion: { rules: [recordingGapBastion] as AnyRule[], annotator: null },
})

import type { Program } from './engine/folded.ts'
import type { AnyRule, EntityKind } from './rule.ts'
import { authFailuresAddress } from './rules/auth-failures-address.ts'
import { authFailuresUser } from './rules/auth-failures-user.ts'
import { authSuccessUser } from './rules/auth-success-after-failures.ts'
import { authSuccessSpray } from './rules/auth-success-after-spray.ts'
import { bulkTransfer } from './rules/bulk-transfer.ts'

export type Programs = Readonly<Record<EntityKind, Program>>

/** What is done with the events of each kind of entity: live, in `backtest` and in tests. */
export const createPrograms = (): Programs => ({
  user: { rules: [authFailuresUser, authSuccessUser, bulkTransfer] as AnyRule[], annotator: null },
  network: { rules: [authFailuresAddress, authSuccessSpray] as AnyRule[], annotator: null },
  bastion: { rules: [], annotator: null },
})

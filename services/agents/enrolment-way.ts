import { z } from 'zod'
import { HostName } from '../schema/host-name.ts'
import { BastionName } from '../schema/ids.ts'

/** How an agent is enrolled, as an administrator said when the code was made. */
export const EnrolmentWay = z.object({
  /** The relay that may speak for the bastion; null: none, it speaks for itself. */
  via: BastionName.nullable(),
  /** It is itself a relay, which agents reach by these; null: it is not. */
  relayNames: z.array(HostName).min(1).max(16).nullable(),
})
export type EnrolmentWay = z.infer<typeof EnrolmentWay>

export const direct: EnrolmentWay = { via: null, relayNames: null }

import type { Router } from 'express'
import { createDeadLetterDesk } from '#delivery/dead-letters.ts'
import { createDelivery } from '#delivery/delivery.ts'
import { createOperations } from '#delivery/operations.ts'
import { deliveryRoutes } from '#delivery/routes.ts'
import type { ReceiverBackends } from '#services/backends.ts'
import type { Closing, StageOptions } from './stage.ts'

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

import { hash } from 'node:crypto'
import { BartizanError } from '#services/errors.ts'
import type { Alert } from '#services/schema/alert.ts'

const digestOf = (value: unknown): string => hash('sha256', JSON.stringify(value)).slice(0, 16)

/** What a person decides on: who decided before, how grave it is, and whether it still stands. */
const basisOf = ({ severity, withdrawn }: Alert, stateRevision: number): string =>
  digestOf([stateRevision, severity, withdrawn])

/**
 * Of the alert as it is shown. Its first half stands for what a person decides on, so that an attack that goes on, and
 * makes a revision every second, does not keep everybody from acknowledging it.
 */
export const alertTag = (alert: Alert, stateRevision: number): string =>
  `"${basisOf(alert, stateRevision)}-${digestOf(alert)}"`

/** A proxy that compresses answers makes tags weak. */
const tagForm = /^(?:W\/)?"([0-9a-f]{16})-[0-9a-f]{16}"$/

/** @throws BTZ_PRECONDITION_REQUIRED without a tag of ours · BTZ_STATE_CONFLICT when it is of another state */
export const checkAlertTag = (given: string | undefined, alert: Alert, stateRevision: number): void => {
  const basis = tagForm.exec(given ?? '')?.[1]
  if (basis === undefined) {
    throw new BartizanError('BTZ_PRECONDITION_REQUIRED', 'the header If-Match has to name the alert as it was read', {
      hint: 'send the ETag that GET of this alert answered',
    })
  }
  if (basis === basisOf(alert, stateRevision)) return
  throw new BartizanError(
    'BTZ_STATE_CONFLICT',
    'the alert changed since it was read: somebody decided, or it grew worse',
    {
      hint: 'read it again, and decide on what it is now',
    },
  )
}

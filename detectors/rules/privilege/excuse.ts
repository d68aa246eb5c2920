import type { ActKind } from '../../argv/acts.ts'
import type { Observed, RuleContext } from '../../rule.ts'

/** Why what was done was to be expected. Null: it was not. */

const covering = new Set(['privileged-change', 'pentest', 'break-glass'])

export const excuseOf = (
  { event, timeMs }: Observed,
  kinds: readonly ActKind[],
  context: RuleContext,
): string | null => {
  const { directory, subject } = context
  if (directory.policy.configManagement.has(subject.key)) return 'the account belongs to configuration management'
  if (directory.isMaintenance(event.bastion, timeMs)) return `maintenance of ${event.bastion}`
  const about = { user: subject.key, target: event.target ?? null, sourceIp: event.sourceIp ?? null }
  const isRotation = kinds.every((kind) => kind === 'authorized-keys')
  const ticket = directory
    .tickets(about, timeMs)
    .find(({ type }) => covering.has(type) || (isRotation && type === 'key-rotation'))
  return ticket ? `ticket ${ticket.id} (${ticket.type}) covers it` : null
}

import type { KnownNetwork } from '../directory/directory.ts'
import { type Finding, type Observed, quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import { dayMs } from '../utc-day.ts'
import { type Acquaintance, acquainted, areForgotten, isShared, knows } from './auth/acquaintances.ts'
import { findingOfAssault, findingOfNoise } from './auth/address-findings.ts'
import {
  type AddressRecord,
  type Assault,
  assaulted,
  forgiven,
  newAssault,
  noisier,
  type Relation,
} from './auth/address-record.ts'
import { attackOf } from './auth/attack.ts'
import { aimOf, type Login, nameOf } from './auth/attempt.ts'

/** Failed logins from each address of a network: fast, slow, or a few at each of many accounts. */
export type AddressFailures = { addresses: readonly AddressRecord[]; known: readonly Acquaintance[] }

const maxAddresses = 16
const maxAccounts = 120 // of all addresses together

const loginOf = ({ event }: Observed): Login | null =>
  event.kind === 'login' || event.kind === 'login_failed' ? event : null

const weightOf = ({ assault, noise }: AddressRecord): number =>
  (assault?.accounts.length ?? 0) + (noise?.names.length ?? 0)

/** The one that was quiet longest makes room. */
const bounded = (addresses: readonly AddressRecord[]): readonly AddressRecord[] => {
  let kept = addresses
  while (
    kept.length > maxAddresses ||
    (kept.length > 1 && kept.reduce((sum, one) => sum + weightOf(one), 0) > maxAccounts)
  ) {
    const oldest = kept.reduce((a, b) => (b.lastMs < a.lastMs ? b : a))
    kept = kept.filter((one) => one !== oldest)
  }
  return kept
}

const withRecord = (state: AddressFailures, record: AddressRecord): AddressFailures => {
  const others = state.addresses.filter(({ ip, lastMs }) => ip !== record.ip && lastMs > record.lastMs - 2 * dayMs)
  return { ...state, addresses: bounded([...others, record]) }
}

const recordOf = ({ addresses }: AddressFailures, ip: string): AddressRecord =>
  addresses.find((one) => one.ip === ip) ?? { ip, lastMs: 0, assault: null, noise: null }

const isMachine = (name: string, place: KnownNetwork | null, timeMs: number, { directory }: RuleContext): boolean =>
  directory.person(name, timeMs)?.accountType === 'service' ||
  (place?.kind === 'automation' && place.account !== null && directory.canonical(place.account) === name)

const relationOf = (
  { known }: AddressFailures,
  name: string,
  isSystem: boolean,
  observed: Observed,
  context: RuleContext,
): Relation => {
  const { timeMs } = observed
  const place = context.directory.knownNetwork(observed.event.sourceIp!, timeMs)
  const isOwn = knows(known, name, timeMs)
  if ((isOwn || place !== null) && isMachine(name, place, timeMs, context)) return 'machine'
  if (isOwn || isShared(known, timeMs)) return 'familiar'
  if (place !== null && (place.kind !== 'automation' || place.account === null)) return 'familiar'
  return isSystem ? 'system' : 'stranger'
}

const told = (
  record: AddressRecord,
  assault: Assault,
  context: RuleContext,
): { record: AddressRecord; findings: Finding[] } => {
  const attack = attackOf(assault, record.noise, context.settings.authFailures)
  const next = { ...record, assault: attack === assault.told ? assault : { ...assault, told: attack } }
  return { record: next, findings: attack === null ? [] : [findingOfAssault(next, assault, attack, context)] }
}

const failedAtAccount = (
  state: AddressFailures,
  event: Login,
  name: string,
  isSystem: boolean,
  observed: Observed,
  context: RuleContext,
): Step<AddressFailures> => {
  const { timeMs } = observed
  const before = recordOf(state, event.sourceIp!)
  const { quietMs } = context.settings.authFailures
  const isSame = before.assault !== null && timeMs - before.assault.lastMs <= quietMs
  const assault = isSame ? before.assault! : newAssault(timeMs, event.bastion)
  const relation = relationOf(state, name, isSystem, observed, context)
  const grown = assaulted(assault, name, relation, timeMs)
  const { record, findings } = told({ ...before, lastMs: Math.max(before.lastMs, timeMs) }, grown, context)
  return { state: withRecord(state, record), findings }
}

const failedAtNobody = (
  state: AddressFailures,
  event: Login,
  name: string,
  { timeMs }: Observed,
  context: RuleContext,
): Step<AddressFailures> => {
  const before = recordOf(state, event.sourceIp!)
  const noise = noisier(before.noise, name, timeMs, Math.floor(timeMs / dayMs))
  const record = { ...before, lastMs: Math.max(before.lastMs, timeMs), noise }
  return { state: withRecord(state, record), findings: [findingOfNoise(record, noise, event.bastion, context)] }
}

const succeeded = (state: AddressFailures, { sourceIp }: Login, name: string, timeMs: number): AddressFailures => {
  const known = acquainted(state.known, name, timeMs)
  const record = state.addresses.find(({ ip }) => ip === sourceIp)
  const assault = record?.assault ? forgiven(record.assault, name) : null
  if (!record || assault === record.assault) return known === state.known ? state : { ...state, known }
  return withRecord({ ...state, known }, { ...record, assault })
}

export const authFailuresAddress: Rule<AddressFailures> = {
  id: 'auth-failures',
  entity: 'network',
  kinds: ['login', 'login_failed'],
  initial: () => ({ addresses: [], known: [] }),
  apply: (state, observed, context) => {
    const event = loginOf(observed)
    if (!event?.sourceIp) return quiet(state)
    const name = nameOf(event, context.directory)
    if (event.kind === 'login') return quiet(succeeded(state, event, name, observed.timeMs))
    if (context.isHistory) return quiet(state)
    const aim = aimOf(event, name, observed.timeMs, context.directory)
    if (aim === 'harmless') return quiet(state)
    if (aim === 'nobody') return failedAtNobody(state, event, name, observed, context)
    return failedAtAccount(state, event, name, aim === 'system', observed, context)
  },
  isOver: ({ addresses, known }, nowMs) =>
    addresses.every(({ lastMs }) => lastMs < nowMs - 2 * dayMs) && areForgotten(known, nowMs),
}

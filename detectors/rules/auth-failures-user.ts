import { networkOf } from '../geo/network-of.ts'
import { type Finding, type Observed, quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import { type Acquaintance, acquainted, knows } from './auth/acquaintances.ts'
import { aimOf, type Login, nameOf } from './auth/attempt.ts'
import { listed, plural, span } from './wording.ts'

/** One account, tried from several networks. What a single address does is said of the address. */
type Origin = { network: string; ip: string; count: number }
type Siege = {
  firstMs: number
  lastMs: number
  count: number
  origins: readonly Origin[]
  bastion: string
  isTold: boolean
}
export type UserFailures = { known: readonly Acquaintance[]; siege: Siege | null }

const maxOrigins = 32
const nowhere = 'no address' // a console, su, or a source that does not say
const sprayedNames = 3

const originOf = ({ sourceIp }: Login): string => (sourceIp ? (networkOf(sourceIp) ?? nowhere) : nowhere)

const withOrigin = (origins: readonly Origin[], network: string, ip: string): readonly Origin[] => {
  if (origins.some((one) => one.network === network))
    return origins.map((one) => (one.network === network ? { ...one, ip, count: one.count + 1 } : one))
  return origins.length < maxOrigins ? [...origins, { network, ip, count: 1 }] : origins
}

const besieged = (siege: Siege, network: string, { event, timeMs }: Observed): Siege => ({
  ...siege,
  firstMs: Math.min(siege.firstMs, timeMs),
  lastMs: Math.max(siege.lastMs, timeMs),
  count: siege.count + 1,
  origins: withOrigin(siege.origins, network, event.sourceIp ?? nowhere),
})

const isAttack = ({ origins, count }: Siege, isSystem: boolean, { settings }: RuleContext): boolean => {
  const { networks, networksAttempts, fastAttempts, systemAttempts } = settings.authFailures
  if (isSystem) return origins.length >= networks && count >= systemAttempts
  const local = origins.find(({ network }) => network === nowhere)?.count ?? 0
  return local >= fastAttempts || (origins.length >= networks && count >= networksAttempts)
}

const findingOf = (siege: Siege, user: string, { settings }: RuleContext): Finding => {
  const { networks, networksAttempts, quietMs } = settings.authFailures
  const observed = `${plural(siege.count, 'failed login')} from ${plural(siege.origins.length, 'network')} within ${span(siege.lastMs - siege.firstMs)}`
  const expected = `fewer than ${networksAttempts} from fewer than ${networks} networks that ${user} never logged in from`
  return {
    window: `siege ${Math.floor(siege.firstMs / quietMs)}`,
    severity: 'medium',
    title: `${user}: one account is tried from many places`,
    explanation: `${observed} (${listed(siege.origins.map(({ ip }) => ip))}) at the account ${user}. Expected: ${expected}.`,
    baseline: { observed, expected, historySize: 0, historyDays: 0 },
    user,
    sourceIp: siege.origins.at(-1)?.ip === nowhere ? null : (siege.origins.at(-1)?.ip ?? null),
    bastion: siege.bastion,
    count: siege.count,
    firstEventMs: siege.firstMs,
    lastEventMs: siege.lastMs,
  }
}

const failed = (state: UserFailures, event: Login, observed: Observed, context: RuleContext): Step<UserFailures> => {
  const { timeMs } = observed
  const name = nameOf(event, context.directory)
  const aim = aimOf(event, name, timeMs, context.directory)
  const network = originOf(event)
  const isSprayed = (observed.origin?.failedUsers ?? 0) >= sprayedNames // the address's own incident
  const isOwn = knows(state.known, network, timeMs) || isKnownPlace(event, timeMs, context)
  if (aim === 'harmless' || aim === 'nobody' || isSprayed || isOwn) return quiet(state)
  const isSame = state.siege !== null && timeMs - state.siege.lastMs <= context.settings.authFailures.quietMs
  const empty = { firstMs: timeMs, lastMs: timeMs, count: 0, origins: [], bastion: event.bastion, isTold: false }
  const grown = besieged(isSame ? state.siege! : empty, network, observed)
  const siege = { ...grown, isTold: grown.isTold || isAttack(grown, aim === 'system', context) }
  return { state: { ...state, siege }, findings: siege.isTold ? [findingOf(siege, context.subject.key, context)] : [] }
}

const isKnownPlace = ({ sourceIp }: Login, timeMs: number, { directory }: RuleContext): boolean =>
  !!sourceIp && directory.knownNetwork(sourceIp, timeMs) !== null

/** The failures from there were the person's own. */
const forgiven = (siege: Siege | null, network: string): Siege | null => {
  const own = siege?.origins.find((one) => one.network === network)
  if (!siege || !own || siege.isTold) return siege
  const origins = siege.origins.filter((one) => one !== own)
  return origins.length === 0 ? null : { ...siege, origins, count: siege.count - own.count }
}

export const authFailuresUser: Rule<UserFailures> = {
  id: 'auth-failures',
  entity: 'user',
  kinds: ['login', 'login_failed'],
  initial: () => ({ known: [], siege: null }),
  apply: (state, observed, context) => {
    const { event, timeMs } = observed
    if (event.kind === 'login') {
      const network = originOf(event)
      const known = acquainted(state.known, network, timeMs)
      const siege = forgiven(state.siege, network)
      return quiet(known === state.known && siege === state.siege ? state : { known, siege })
    }
    if (event.kind !== 'login_failed' || context.isHistory) return quiet(state)
    return failed(state, event, observed, context)
  },
}

import type { RuleId } from '#services/schema/alert.ts'
import type { Benign, DirectoryKind, Incident, World } from './model.ts'
import type { Random } from './random.ts'
import type { Seen } from './session.ts'
import type { Emit } from './stream.ts'

export type Context = {
  world: World
  random: Random
  emit: Emit
  incidents: Incident[]
  benign: Benign[]
  unplaced: string[]
  seen: Map<string, Set<string>> // addresses an account has used
  busy: Map<string, number[]> // days on which something was planted on an account
  directory: DirectoryKind
}

type Tempting = {
  rule: RuleId | null
  class: string
  user?: string | null
  ip?: string | null
  bastion?: string | null
  tolerated?: boolean
}

/** Writes down something harmless that tempts a rule (null: any). */
export const noteBenign = (context: Context, entry: Tempting, sessions: Seen[], span?: [number, number]) => {
  const { user = null, ip = null, bastion = null, tolerated = false } = entry
  const fromMs = span ? span[0] : Math.min(...sessions.map((seen) => seen.fromMs))
  const toMs = span ? span[1] : Math.max(...sessions.map((seen) => seen.toMs))
  context.benign.push({
    rule: entry.rule,
    class: entry.class,
    user,
    sourceIp: ip,
    bastion,
    users: user ? [user] : [],
    sourceIps: ip ? [ip] : [],
    sessionIds: sessions.map(({ sessionId }) => sessionId),
    fromMs: Math.round(fromMs),
    toMs: Math.round(toMs),
    tolerated,
  })
}

/** Remembers the address; true when the account had not used it before. */
export const isNewAddress = (context: Context, user: string, ip: string): boolean => {
  const known = context.seen.get(user) ?? new Set<string>()
  context.seen.set(user, known)
  if (known.has(ip)) return false
  known.add(ip)
  return known.size > 1
}

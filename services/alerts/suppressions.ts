import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import { addressKey, addressRange } from '../address-key.ts'
import type { AlertMatch } from '../catalog/catalog.ts'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import { type Alert, RuleId } from '../schema/alert.ts'
import type { StateStore } from '../state/state-store.ts'

/** Alerts that somebody does not want to be woken by, for a reason and for a time. */

export const Suppression = z.object({
  id: z.string().max(64),
  rule: RuleId.nullable(),
  user: z.string().max(256).nullable(),
  source: z.string().max(64).nullable(), // an address, or a network in CIDR form
  bastion: z.string().max(253).nullable(),
  owner: z.string().max(256), // who answers for it
  reason: z.string().max(2048),
  createdAt: z.iso.datetime(),
  createdBy: z.string().max(256),
  expiresAt: z.iso.datetime(),
})
export type Suppression = z.infer<typeof Suppression>

const isInForce = ({ expiresAt }: Suppression, nowMs: number): boolean => nowMs < Date.parse(expiresAt)

/** What all alerts that it holds for have in common. */
export const matchOf = ({ rule, user, source, bastion }: Suppression): AlertMatch => {
  const range = source === null ? null : addressRange(source)
  return {
    ...(rule !== null && { rule }),
    ...(user !== null && { user }),
    ...(bastion !== null && { bastion }),
    ...(range && { source: range }),
  }
}

const isWithin = (source: AlertMatch['source'], ip: string | null): boolean => {
  if (source === undefined) return true
  const key = ip === null ? null : addressKey(ip)
  return key !== null && source.from <= key && key <= source.to
}

const holdsFor = (suppression: Suppression, alert: Pick<Alert, 'rule' | 'user' | 'sourceIp' | 'bastion'>): boolean => {
  const match = matchOf(suppression)
  const names = ['rule', 'user', 'bastion'] as const
  return (
    names.every((name) => match[name] === undefined || match[name] === alert[name]) &&
    isWithin(match.source, alert.sourceIp)
  )
}

/** The suppression in force that holds for the alert; null: there is none, and it is to be told. */
export const suppressionOf = (
  alert: Pick<Alert, 'rule' | 'user' | 'sourceIp' | 'bastion'>,
  suppressions: readonly Suppression[],
  nowMs: number,
): Suppression | null => suppressions.find((one) => isInForce(one, nowMs) && holdsFor(one, alert)) ?? null

const prefix = 'suppressions/'
const dayMs = 86_400_000
const longestMs = 366 * dayMs
const keptMs = 30 * dayMs // after its end, so that people can see what was
const maxKept = 200
const refreshMs = 4_000

export type NewSuppression = Pick<Suppression, 'owner' | 'reason' | 'expiresAt'> &
  Partial<Pick<Suppression, 'rule' | 'user' | 'source' | 'bastion'>>

const invalid = (message: string): BartizanError => new BartizanError('BTZ_REQUEST_INVALID', message)

const isSource = (text: string): boolean => addressRange(text) !== null && !/\/0*[0-7]$/.test(text)

/** @throws BTZ_REQUEST_INVALID */
export const checkedSuppression = (wanted: NewSuppression, nowMs: number): NewSuppression => {
  const { rule, user, source, bastion, expiresAt } = wanted
  if ([rule, user, source, bastion].every((condition) => condition === undefined || condition === null))
    throw invalid('a suppression has to say of which rule, user, source or bastion')
  if (typeof source === 'string' && !isSource(source))
    throw invalid(`${JSON.stringify(source)} is not an address, or a network of a /8 or less such as 192.0.2.0/24`)
  const leftMs = Date.parse(expiresAt) - nowMs
  if (leftMs <= 0) throw invalid('expiresAt is over already')
  if (leftMs > longestMs) throw invalid('expiresAt is more than a year ahead')
  return wanted
}

export const createSuppressions = ({ state, clock }: { state: StateStore; clock: Clock }) => {
  let known: { all: readonly Suppression[]; readMs: number } | null = null

  /** Newest first, those that ended lately too. */
  const list = async (): Promise<Suppression[]> => {
    const all: Suppression[] = []
    for await (const { value } of listAll(state, prefix)) all.push(Suppression.parse(value))
    return all.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
  }

  const current = async (): Promise<readonly Suppression[]> => {
    if (known && Math.abs(clock.now() - known.readMs) < refreshMs) return known.all
    const readMs = clock.now()
    try {
      known = { all: await list(), readMs }
    } catch (error) {
      if (!known || !hasCode(error, 'BTZ_UNAVAILABLE')) throw error
    }
    return known.all
  }

  const makeRoom = async (): Promise<void> => {
    const all = await list()
    const over = all.filter(({ expiresAt }) => Date.parse(expiresAt) + keptMs < clock.now())
    for (const { id } of over) await state.delete(prefix + id)
    if (all.length - over.length < maxKept) return
    throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `there are ${maxKept} suppressions already`, {
      hint: 'delete some: those that ended count for 30 days',
    })
  }

  return {
    list,
    /** Those in force, at most some seconds old; while the state store is away, as they stood last. */
    inForce: async (): Promise<Suppression[]> => (await current()).filter((one) => isInForce(one, clock.now())),
    /** Of what checkedSuppression let through. @throws BTZ_TOO_MANY_REQUESTS */
    add: async (wanted: NewSuppression, actor: string): Promise<Suppression> => {
      await makeRoom()
      const { rule = null, user = null, source = null, bastion = null, owner, reason, expiresAt } = wanted
      const [id, createdAt] = [randomBytes(8).toString('hex'), new Date(clock.now()).toISOString()]
      const conditions = { rule, user, source, bastion }
      const suppression = Suppression.parse({
        id,
        ...conditions,
        owner,
        reason,
        createdAt,
        createdBy: actor,
        expiresAt,
      })
      await state.put(prefix + id, suppression, { ifRevision: 0 })
      known = null
      return suppression
    },
    /** @throws BTZ_NOT_FOUND */
    find: async (id: string): Promise<Suppression> => {
      const entry = /^[0-9a-f]{16}$/.test(id) ? await state.get(prefix + id) : null
      if (!entry) throw new BartizanError('BTZ_NOT_FOUND', 'there is no suppression with this id')
      return Suppression.parse(entry.value)
    },
    remove: async (id: string): Promise<void> => {
      await state.delete(prefix + id)
      known = null
    },
  }
}
export type Suppressions = ReturnType<typeof createSuppressions>

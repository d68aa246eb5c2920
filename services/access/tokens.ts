import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import { type Principal, Role } from '../schema/access.ts'
import { BastionName, Sha256Hex } from '../schema/ids.ts'
import type { StateStore } from '../state/state-store.ts'
import { listAll } from './list-all.ts'
import { newSecret, sameHash, sha256Hex } from './secrets.ts'
import { createTokenCache } from './token-cache.ts'

const prefix = 'tokens/'
const idForm = /^[0-9a-f]{16}$/
const tokenForm = /^btz_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/
const maxSecretLength = 512

const TokenInfo = z.object({
  id: z.string(),
  role: Role,
  name: z.string().min(1).max(128),
  bastion: BastionName.nullable(),
  createdAt: z.iso.datetime(),
  createdBy: z.string().max(128),
  revokedAt: z.iso.datetime().nullable(),
})
/** A token without its secret. Revoked ones stay, so that the audit trail keeps a name for their id. */
export type TokenInfo = z.infer<typeof TokenInfo>
const StoredToken = TokenInfo.extend({ hash: Sha256Hex })

export type NewToken = { role: Role; name: string; bastion?: string; actor: string }

export type Tokens = {
  /** `secret` is shown once and stored nowhere. @throws BTZ_REQUEST_INVALID */
  create(token: NewToken): Promise<{ id: string; secret: string }>
  /** Who that is, or null: unknown, malformed, revoked. */
  verify(secret: string): Promise<Principal | null>
  /** Whose token has this id, as it stands now; null: unknown, revoked. @throws BTZ_UNAVAILABLE */
  holder(id: string): Promise<Principal | null>
  /** At once in this process. @throws BTZ_NOT_FOUND */
  revoke(id: string): Promise<void>
  list(): Promise<TokenInfo[]>
}

const describe = (token: NewToken, id: string, nowMs: number): TokenInfo => {
  if ((token.role === 'ingest') !== (token.bastion !== undefined)) {
    throw new BartizanError('BTZ_REQUEST_INVALID', 'a token with role ingest, and no other, names its bastion')
  }
  const info = TokenInfo.safeParse({
    id,
    role: token.role,
    name: token.name,
    bastion: token.bastion ?? null,
    createdAt: new Date(nowMs).toISOString(),
    createdBy: token.actor,
    revokedAt: null,
  })
  if (info.success) return info.data
  throw new BartizanError('BTZ_REQUEST_INVALID', z.prettifyError(info.error))
}

const principalOf = ({ id, name, role, bastion }: TokenInfo): Principal => ({ id, name, role, bastion })

/** The token of the environment: kept as a hash in memory, never stored. */
const bootstrapOf = (adminToken: string | undefined): { hash: string; principal: Principal } | null => {
  if (!adminToken) return null
  const principal: Principal = { id: 'bootstrap', name: 'BARTIZAN_ADMIN_TOKEN', role: 'admin', bastion: null }
  return { hash: sha256Hex(adminToken), principal }
}

/** `adminToken`: what stands in BARTIZAN_ADMIN_TOKEN, good for role admin as long as this process runs. */
export const createTokens = (options: { state: StateStore; clock: Clock; adminToken?: string | undefined }): Tokens => {
  const { state, clock } = options
  const bootstrap = bootstrapOf(options.adminToken)
  const cache = createTokenCache(clock)

  const lookUp = async (secret: string, hash: string): Promise<Principal | null> => {
    const id = tokenForm.exec(secret)?.[1]
    const entry = id === undefined ? null : await state.get(prefix + id)
    if (!entry) return null
    const token = StoredToken.parse(entry.value)
    if (!sameHash(token.hash, hash) || token.revokedAt !== null) return null
    return principalOf(token)
  }

  const verifyAnew = async (secret: string, hash: string): Promise<Principal | null> => {
    const since = cache.revocations()
    try {
      const principal = await lookUp(secret, hash)
      if (principal) cache.set(hash, principal, since)
      else cache.drop(hash)
      return principal
    } catch (error) {
      const known = hasCode(error, 'BTZ_UNAVAILABLE') ? cache.inOutage(hash) : null
      if (known) return known
      throw error
    }
  }

  return {
    create: async (token) => {
      const id = randomBytes(8).toString('hex')
      const secret = `btz_${id}_${newSecret()}`
      await state.put(prefix + id, { ...describe(token, id, clock.now()), hash: sha256Hex(secret) }, { ifRevision: 0 })
      return { id, secret }
    },
    verify: async (secret) => {
      if (secret.length > maxSecretLength) return null
      const hash = sha256Hex(secret)
      if (bootstrap && sameHash(bootstrap.hash, hash)) return bootstrap.principal
      const cached = cache.get(hash)
      if (cached) return cached
      return verifyAnew(secret, hash)
    },
    holder: async (id) => {
      if (id === bootstrap?.principal.id) return bootstrap.principal
      const entry = idForm.test(id) ? await state.get(prefix + id) : null
      const token = entry && StoredToken.parse(entry.value)
      return token?.revokedAt === null ? principalOf(token) : null
    },
    revoke: async (id) => {
      const entry = idForm.test(id) ? await state.get(prefix + id) : null
      if (!entry) throw new BartizanError('BTZ_NOT_FOUND', 'there is no token with this id')
      const token = StoredToken.parse(entry.value)
      const revokedAt = token.revokedAt ?? new Date(clock.now()).toISOString()
      await state.put(entry.key, { ...token, revokedAt }, { ifRevision: entry.revision })
      cache.forget(id)
    },
    list: async () => {
      const tokens: TokenInfo[] = []
      for await (const { value } of listAll(state, prefix)) tokens.push(TokenInfo.parse(value)) // drops the hash
      return tokens
    },
  }
}

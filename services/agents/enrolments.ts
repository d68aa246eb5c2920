import type { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import { createTokenCache } from '../access/token-cache.ts'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import { bastionOf } from '../pki/agent-name.ts'
import { fingerprintOf } from '../pki/fingerprint.ts'
import type { Principal } from '../schema/access.ts'
import type { StateStore } from '../state/state-store.ts'
import { AgentCertificate, added, isGood, revokedAll, type Standing, standingOf, used } from './certificate-list.ts'
import { direct, EnrolmentWay } from './enrolment-way.ts'

const prefix = 'enrolments/'
const attempts = 20
/** `revocations`: how often all of them were revoked; who asked for a certificate before that does not get it after. */
const Stored = z.object({
  certificates: z.array(AgentCertificate),
  revocations: z.number().int(),
  way: EnrolmentWay.default(direct),
})
type Stored = z.infer<typeof Stored>

export type Enrolment = { bastion: string; certificates: AgentCertificate[]; way: EnrolmentWay }

/** Who asks for a certificate: one that is good (its SHA-256), or what `revocations` said before a code did. */
export type Because = X509Certificate | string | number
const behindMs = 5_000

const refusals: Record<Exclude<Standing, 'good'>, string> = {
  unknown: 'the certificate of this agent is not known here',
  revoked: 'the certificate of this agent was revoked',
  expired: 'the certificate of this agent has expired',
}

const standingOfReason = (stored: Stored, because: Because, nowMs: number): Standing => {
  if (typeof because === 'number') return stored.revocations === because ? 'good' : 'revoked'
  const sha256 = typeof because === 'string' ? because : fingerprintOf(because)
  return standingOf(stored.certificates, sha256, nowMs)
}

const refuse = (standing: Exclude<Standing, 'good'>): never => {
  throw new BartizanError('BTZ_AUTH_REQUIRED', refusals[standing], {
    hint: '`bartizan agents enrol-code --bastion NAME` on the server prints the command that enrols it anew',
  })
}

/**
 * The certificates that were issued to agents, one entry per bastion, so that issuing and revoking cannot pass each
 * other. What another process revokes takes effect here within 5 s.
 */
export const createEnrolments = ({ state, clock }: { state: StateStore; clock: Clock }) => {
  const cache = createTokenCache(clock)
  let listed: { atMs: number; all: Promise<Enrolment[]> } | null = null

  const read = async (bastion: string) => {
    const entry = await state.get(prefix + bastion)
    const stored: Stored = entry ? Stored.parse(entry.value) : { certificates: [], revocations: 0, way: direct }
    return { ...stored, revision: entry?.revision ?? 0 }
  }
  const change = async (bastion: string, act: (stored: Stored) => Stored): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const { revision, ...stored } = await read(bastion)
      try {
        await state.put(prefix + bastion, act(stored), { ifRevision: revision })
        return
      } catch (error) {
        if (!hasCode(error, 'BTZ_STATE_CONFLICT') || attempt === attempts) throw error
      }
    }
  }

  const lookUp = async (bastion: string, sha256: string): Promise<Standing> => {
    const { certificates } = await read(bastion)
    const standing = standingOf(certificates, sha256, clock.now())
    const isFirstUse = certificates.some((each) => each.sha256 === sha256 && each.usedAtMs === null)
    if (standing === 'good' && isFirstUse)
      await change(bastion, (stored) => {
        const isStillGood = standingOf(stored.certificates, sha256, clock.now()) === 'good'
        return isStillGood ? { ...stored, certificates: used(stored.certificates, sha256, clock.now()) } : stored
      })
    return standing
  }
  const verifyAnew = async (bastion: string, sha256: string): Promise<Principal> => {
    const since = cache.revocations()
    let standing: Standing
    try {
      standing = await lookUp(bastion, sha256)
    } catch (error) {
      const known = hasCode(error, 'BTZ_UNAVAILABLE') ? cache.inOutage(sha256) : null
      if (known) return known
      throw error
    }
    if (standing !== 'good') {
      cache.drop(sha256)
      return refuse(standing)
    }
    const principal: Principal = { id: `certificate-${sha256}`, name: `agent on ${bastion}`, role: 'ingest', bastion }
    cache.set(sha256, principal, since)
    return principal
  }

  const list = async (): Promise<Enrolment[]> => {
    const all: Enrolment[] = []
    for await (const { key, value } of listAll(state, prefix)) {
      const { certificates, way } = Stored.parse(value)
      all.push({ bastion: key.slice(prefix.length), certificates, way })
    }
    return all
  }
  const listedLately = async (): Promise<Enrolment[]> => {
    const isFresh = listed !== null && Math.abs(clock.now() - listed.atMs) <= behindMs
    if (listed === null || !isFresh) listed = { atMs: clock.now(), all: list() }
    const { all } = listed
    return all.catch((error: unknown) => {
      if (listed?.all === all) listed = null
      throw error
    })
  }

  return {
    list,
    /** What was enrolled through a relay, as it was at most 5 s ago: the relay may speak for that. */
    behind: async (relay: string): Promise<Enrolment[]> =>
      (await listedLately()).filter(({ way }) => way.via === relay),
    /** A relay says that the bastion's agent holds this certificate. @throws BTZ_AUTH_REQUIRED */
    verifyBehind: async (relay: string, bastion: string, sha256: string): Promise<Principal> => {
      if ((await read(bastion)).way.via !== relay) return refuse('unknown')
      return verifyAnew(bastion, sha256)
    },
    /** How it was enrolled last. */
    wayOf: async (bastion: string): Promise<EnrolmentWay> => (await read(bastion)).way,
    /** Whose certificate that is; its signature was checked by whoever took it from the connection. @throws BTZ_AUTH_REQUIRED */
    verify: async (certificate: X509Certificate): Promise<Principal> => {
      const bastion = bastionOf(certificate)
      if (bastion === null) return refuse('unknown')
      if (certificate.validToDate.getTime() <= clock.now()) return refuse('expired')
      const sha256 = fingerprintOf(certificate)
      return cache.get(sha256) ?? (await verifyAnew(bastion, sha256))
    },
    /** To be read before what is to be given to `add`. */
    revocations: async (bastion: string): Promise<number> => (await read(bastion)).revocations,
    /**
     * It is good from now on, unless `because` is not: the certificate that asks for it, or what `revocations` said
     * before a code did. `way`: of the code; else it stays as it is. @throws BTZ_AUTH_REQUIRED BTZ_TOO_MANY_REQUESTS
     */
    add: async (bastion: string, certificate: X509Certificate, because: Because, way?: EnrolmentWay): Promise<void> => {
      const one = { sha256: fingerprintOf(certificate), expiresAtMs: certificate.validToDate.getTime() }
      await change(bastion, (stored) => {
        const standing = standingOfReason(stored, because, clock.now())
        if (standing !== 'good') return refuse(standing)
        const certificates = added(stored.certificates, one, clock.now())
        if (certificates) return { ...stored, certificates, way: way ?? stored.way }
        throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `too many certificates of ${bastion} are good and not used`)
      })
      listed = null
    },
    /** How many were good until now. */
    revoke: async (bastion: string): Promise<number> => {
      let count = 0
      let all: AgentCertificate[] = []
      await change(bastion, ({ certificates, revocations, way }) => {
        all = certificates
        count = certificates.filter((each) => isGood(each, clock.now())).length
        return { certificates: revokedAll(certificates, clock.now()), revocations: revocations + 1, way }
      })
      listed = null
      for (const { sha256 } of all) cache.forget(`certificate-${sha256}`)
      return count
    },
  }
}
export type Enrolments = ReturnType<typeof createEnrolments>

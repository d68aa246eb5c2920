import type { Request, Response } from 'express'
import { type KnownNames, matchesSession } from '#services/access/matches-session.ts'
import type { Ownership } from '#services/access/ownership.ts'
import type { Approvals } from '#services/approvals/approvals.ts'
import type { CatalogReader } from '#services/catalog/catalog.ts'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import type { Principal } from '#services/schema/access.ts'
import type { Session } from '#services/schema/session.ts'
import type { Audit, AuditEntry } from './audit.ts'
import { principalOf } from './authenticate.ts'
import { contentReason } from './content-reason.ts'

type Options = {
  policy: Config['access']
  known: KnownNames
  ownership: Ownership
  approvals: Pick<Approvals, 'granted' | 'grantedTo'>
  audit: Audit
  catalog: Pick<CatalogReader, 'session'>
}
type Shown = Pick<AuditEntry, 'action' | 'object' | 'repeats'>
/** `isOnRecord`: what is asked for is part of what the same person opened, for that reason, and that
 * stands on record. `reason`: said in the body of the request. */
type Opened = Shown & { isOnRecord?: (reason: string | undefined) => Promise<boolean>; reason?: string }
type Judged = Pick<Session, 'user' | 'person' | 'parentId' | 'bastion' | 'target'> & Partial<Pick<Session, 'evidence'>>

/** What a list over content holds of each thing: of which session it is, and what is known of that without the session. */
type Listed = {
  sessionId?: string | null | undefined
  user?: string | null | undefined
  bastion: string
  session?: Judged // else it is looked up
}

const lookedUpAtOnce = 8
/** Somebody tried what they must not: worth knowing, too. */
const attempts: readonly string[] = ['BTZ_OWN_SESSION', 'BTZ_APPROVAL_REQUIRED']

/** Of an event whose session the catalog does not have. */
const asSession = ({ user, bastion }: Listed): Judged => ({
  ...{ user: user ?? '', person: null, parentId: null },
  ...{ bastion, target: null },
})

const isGone = ({ evidence }: Partial<Pick<Session, 'evidence'>>): boolean =>
  evidence === 'erasing' || evidence === 'erased'

/** @throws BTZ_ERASED */
const refuseErased = (session: Pick<Session, 'evidence'>): void => {
  if (!isGone(session)) return
  throw new BartizanError('BTZ_ERASED', 'what was recorded here was erased', {
    hint: 'why, and by whom: GET /api/sessions/<id>/custody',
  })
}

const noLeave = (sessionId: string) =>
  new BartizanError('BTZ_APPROVAL_REQUIRED', 'what was recorded here takes leave of a second person', {
    hint: `ask for it: POST /api/sessions/${sessionId}/access {"reason": "…"}`,
  })

/**
 * Between people and what was recorded: nobody sees sessions of their own, whoever has to say why says it, whoever needs
 * leave of another person has it, and who saw what stands in the audit trail and in the transparency log before the first
 * byte is sent. Every route that shows content passes here.
 */
export const createContentGate = ({ policy, known, ownership, approvals, audit, catalog }: Options) => {
  const needsSecondPerson = (session: Judged): boolean =>
    policy.secondPerson.some((match) => matchesSession(match, session, known))

  const hasLeave = async (principal: Pick<Principal, 'id'>, sessionId: string): Promise<boolean> =>
    (await approvals.granted({ action: 'access.view', subject: sessionId, principalId: principal.id })) !== null

  /** Which of these sessions somebody may see content of. */
  const readable = async (principal: Principal, places: ReadonlyMap<string, Listed>): Promise<Set<string>> => {
    const { id: principalId } = principal
    const leave =
      policy.secondPerson.length > 0 ? await approvals.grantedTo({ action: 'access.view', principalId }) : []
    const allowed = new Set<string>(leave.map(({ subject }) => subject))
    const found = new Set<string>()
    const judge = async ([sessionId, place]: [string, Listed]): Promise<void> => {
      const session = place.session ?? (await catalog.session(sessionId)) ?? asSession(place)
      if (isGone(session) || (await ownership.isOwn(principal, session))) return
      if (allowed.has(sessionId) || !needsSecondPerson(session)) found.add(sessionId)
    }
    const all = [...places]
    for (let first = 0; first < all.length; first += lookedUpAtOnce)
      await Promise.all(all.slice(first, first + lookedUpAtOnce).map(judge))
    return found
  }

  const seen = ({ ip }: Request, principal: Principal, entry: Shown & Pick<AuditEntry, 'sessionId' | 'reason'>) =>
    audit({ principal, sourceIp: ip, isContent: true, ...entry })

  type Judge = (principal: Principal) => Promise<string | undefined>
  /** What the judge lets through is on record before it is shown; so is, once in five minutes, who was refused. */
  const pass = async (request: Request, response: Response, session: Session, opened: Opened, judge: Judge) => {
    const principal = principalOf(response)
    const { isOnRecord, reason: _, ...shown } = opened
    const entry = { ...shown, sessionId: session.id }
    try {
      const reason = await judge(principal)
      if (!(await isOnRecord?.(reason))) await seen(request, principal, { ...entry, reason })
      return reason
    } catch (error) {
      const code = error instanceof BartizanError ? error.code : ''
      const refused = { ...entry, outcome: 'failure', reason: code, repeats: true } as const
      if (attempts.includes(code)) await audit({ principal, sourceIp: request.ip, ...refused })
      throw error
    }
  }

  /** @throws BTZ_APPROVAL_REQUIRED */
  const refuseWithoutLeave = async (principal: Pick<Principal, 'id'>, session: Session): Promise<void> => {
    if (needsSecondPerson(session) && !(await hasLeave(principal, session.id))) throw noLeave(session.id)
  }

  return {
    needsSecondPerson,

    /** Whether somebody who entered may still see it. @throws BTZ_OWN_SESSION BTZ_APPROVAL_REQUIRED BTZ_ERASED */
    stay: async (principal: Pick<Principal, 'id' | 'name'>, session: Session): Promise<void> => {
      await ownership.refuseOwn(principal, session)
      refuseErased(session)
      await refuseWithoutLeave(principal, session)
    },

    /** That there is a session, and of whom: nothing of what was recorded in it. @throws BTZ_OWN_SESSION */
    enterSession: async (request: Request, response: Response, session: Session, shown: Shown): Promise<void> => {
      await pass(request, response, session, shown, async (principal) => {
        await ownership.refuseOwn(principal, session)
        return undefined
      })
    },

    /**
     * What was recorded in one session. @returns why, where that was said
     * @throws BTZ_OWN_SESSION BTZ_REASON_REQUIRED BTZ_APPROVAL_REQUIRED BTZ_ERASED
     */
    enter: (request: Request, response: Response, session: Session, shown: Opened): Promise<string | undefined> =>
      pass(request, response, session, shown, async (principal) => {
        await ownership.refuseOwn(principal, session)
        refuseErased(session)
        const reason = shown.reason ?? contentReason(request, policy.reason)
        await refuseWithoutLeave(principal, session)
        return reason
      }),

    /** A search or a list over what was recorded in many. @throws BTZ_REASON_REQUIRED */
    enterList: async (request: Request, response: Response, shown: Shown): Promise<void> => {
      const reason = contentReason(request, policy.reason)
      await seen(request, principalOf(response), { repeats: true, ...shown, reason })
    },

    /** Without what this person may not see; `withheld`: how many that were, of this page. */
    sift: async <T>(
      response: Response,
      items: readonly T[],
      placeOf: (item: T) => Listed | null,
    ): Promise<{ items: T[]; withheld: number }> => {
      const ofSession = (item: T): [string, Listed][] => {
        const place = placeOf(item)
        return place?.sessionId ? [[place.sessionId, place]] : []
      }
      const shown = await readable(principalOf(response), new Map(items.flatMap(ofSession)))
      const left = items.filter((item) => ofSession(item).every(([sessionId]) => shown.has(sessionId)))
      return { items: left, withheld: items.length - left.length }
    },
  }
}
export type ContentGate = ReturnType<typeof createContentGate>

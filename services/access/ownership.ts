import { BartizanError } from '../errors.ts'
import type { Principal } from '../schema/access.ts'
import type { Session } from '../schema/session.ts'
import type { KnownNames } from './matches-session.ts'

type Owned = Pick<Session, 'user' | 'person' | 'parentId'>

export type OwnershipOptions = {
  /** `refuse`: nobody has to do with evidence of their own. */
  ownSessions: 'refuse' | 'allow'
  namesOf: KnownNames['namesOf']
  session: (id: string) => Promise<Owned | null>
}

const maxParents = 16 // of nested recordings; a circle of them ends here

/** Whose a session is. This is the only place that decides it. */
export const createOwnership = ({ ownSessions, namesOf, session }: OwnershipOptions) => {
  const spellings = (name: string): Set<string> => {
    const known = [name, ...namesOf(name), ...namesOf(name.toLowerCase())]
    return new Set(known.map((one) => one.trim().toLowerCase()))
  }
  /** By their letters, or by the directory. */
  const samePerson = (one: string, other: string): boolean => !spellings(one).isDisjointFrom(spellings(other))

  /** A recording inside of another one belongs to whoever opened the outer one, too. */
  const isOwn = async ({ name }: Pick<Principal, 'name'>, of: Owned): Promise<boolean> => {
    if (ownSessions === 'allow') return false
    let at: Owned | null = of
    for (let depth = 0; at !== null && depth < maxParents; depth++) {
      if ([at.user, at.person].some((owner) => owner !== null && samePerson(name, owner))) return true
      at = at.parentId === null ? null : await session(at.parentId)
    }
    return false
  }

  /** `of`: a session, or the id of one. @throws BTZ_OWN_SESSION BTZ_NOT_FOUND */
  const refuseOwn = async (principal: Pick<Principal, 'name'>, of: Owned | string): Promise<void> => {
    const owned = typeof of === 'string' ? await session(of) : of
    if (!owned) throw new BartizanError('BTZ_NOT_FOUND', 'there is no session with this id')
    if (!(await isOwn(principal, owned))) return
    throw new BartizanError('BTZ_OWN_SESSION', `this session is one of ${principal.name}`, {
      hint: 'somebody else has to do it; access.ownSessions says whether anybody may',
    })
  }
  return { samePerson, isOwn, refuseOwn }
}
export type Ownership = ReturnType<typeof createOwnership>

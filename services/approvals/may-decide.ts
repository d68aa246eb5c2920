import type { Ownership } from '../access/ownership.ts'
import { BartizanError } from '../errors.ts'
import type { Principal } from '../schema/access.ts'
import type { Approval } from '../schema/approval.ts'

/** Who is who, and whose a session is. */
export type People = Pick<Ownership, 'samePerson' | 'refuseOwn'>

/** Four eyes: another person than the one who asked, and nobody on a session of their own. */
export const refuseDecision = async (
  { requestedBy, subject }: Approval,
  by: Principal,
  people: People | undefined,
): Promise<void> => {
  const sameName = requestedBy.name.trim().toLowerCase() === by.name.trim().toLowerCase()
  if (requestedBy.id === by.id || sameName || people?.samePerson(requestedBy.name, by.name))
    throw new BartizanError('BTZ_SECOND_PERSON', `${by.name} asked for it, and cannot decide it`, {
      hint: 'another person has to decide: one that signs in by another name',
    })
  await people?.refuseOwn(by, subject)
}

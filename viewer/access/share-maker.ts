import { may } from '#services/access/permissions.ts'
import { BartizanError } from '#services/errors.ts'
import type { Principal } from '#services/schema/access.ts'
import type { Session } from '#services/schema/session.ts'
import type { Share } from '#services/shares/shares.ts'
import type { ViewerContext } from '../context.ts'

type Rights = Pick<ViewerContext, 'tokens' | 'content'>

/** As a one-time sign-in link names who signed in: nothing of them is kept that could be taken back. */
const isSignIn = (id: string): boolean => id.startsWith('login-')

const makerOf = async ({ tokens }: Rights, { by }: Share): Promise<Pick<Principal, 'id' | 'name'> | null> => {
  if (isSignIn(by.id)) return by
  const holder = await tokens.holder(by.id)
  return holder && may(holder.role, 'session.share') ? holder : null
}

/**
 * Whether who made a link might see the session still: their token is good, the session is none of theirs, and a second
 * person's leave, where policy wants it, is not over. @throws BTZ_UNAVAILABLE
 */
export const maySeeStill = async (rights: Rights, share: Share, session: Session): Promise<boolean> => {
  const maker = await makerOf(rights, share)
  if (maker === null) return false
  try {
    await rights.content.stay(maker, session)
    return true
  } catch (error) {
    if (error instanceof BartizanError && error.code !== 'BTZ_UNAVAILABLE') return false
    throw error
  }
}

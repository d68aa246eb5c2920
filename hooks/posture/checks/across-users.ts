import { type Sshd, words } from '../read/sshd.ts'
import { judged, named, type Status, type Verdict, worstOf } from '../verdict.ts'
import type { SshdViews, View } from '../view.ts'

type UserView = SshdViews['views'][number]
export type Judgement = { status: Status; detail: Record<string, unknown> }

/** Keys that no file of the machine lists: of a certificate authority, or told by a program. */
export const hasOtherKeys = (sshd: Sshd): boolean =>
  words(sshd, 'trustedusercakeys').length > 0 || words(sshd, 'authorizedkeyscommand').length > 0

/** Whether there is anything that opens the account: a service's account with a shell and no credential is no way in. */
const isWayIn = (view: View, { user, sshd }: UserView): boolean => {
  if (user === null || !view.passwords.ok || !view.keys.ok || hasOtherKeys(sshd)) return true
  const { accounts, notLookedAt } = view.keys.value
  return view.passwords.value.has(user) || [...accounts, ...notLookedAt].some((account) => account.user === user)
}

export const waysIn = (view: View, views: readonly UserView[]): UserView[] => {
  const open = views.filter((each) => isWayIn(view, each))
  return open.length === 0 ? [...views] : open
}

/** One verdict on sshd: the worst of everybody who can come in, with whom it is about. */
export const acrossUsers = (view: View, judge: (sshd: Sshd, user: string | null) => Judgement): Verdict[] =>
  judged(view.sshd, ({ views, usersNotLookedAt }) => {
    const all = waysIn(view, views).map(({ user, sshd }) => ({ user, ...judge(sshd, user) }))
    const status = worstOf(all.map((each) => each.status))
    const worst = all.filter((each) => each.status === status)
    const users = worst.flatMap(({ user }) => user ?? [])
    const people = status === 'ok' ? {} : named(users, 'users')
    const rest = usersNotLookedAt > 0 ? { usersNotLookedAt } : {}
    return [{ status, detail: { ...worst[0]?.detail, ...people, ...rest } }]
  })

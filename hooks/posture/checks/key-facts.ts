import { judged, namedAtMost, type Verdict } from '../verdict.ts'
import type { AccountKeys, View } from '../view.ts'

const maxPeople = 500

/** A verdict per account that has something wrong; one on the bastion where all is well, or not all was seen. */
export const aboutPeople = (view: View, judge: (account: AccountKeys) => Verdict | null): Verdict[] =>
  judged(view.keys, ({ accounts, notLookedAt }) => {
    const people = accounts.map(judge).filter((verdict) => verdict !== null)
    const told = people.slice(0, maxPeople)
    const detail = {
      accountsCount: accounts.length,
      notWellCount: people.length,
      ...(people.length > told.length && { notToldCount: people.length - told.length }),
      ...(notLookedAt.length > 0 && { notChecked: notLookedAt.slice(0, namedAtMost) }),
    }
    const isUnclear = notLookedAt.length > 0 || people.length > told.length
    if (told.length > 0 && !isUnclear) return told
    return [...told, { status: isUnclear ? 'warn' : 'ok', detail }]
  })

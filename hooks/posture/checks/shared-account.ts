import { type Check, named } from '../verdict.ts'
import { aboutPeople } from './key-facts.ts'

export const sharedAccount: Check = {
  id: 'shared-account',
  about:
    'keys of several people open one account, so nobody knows who did what; `warn`: several keys whose comments do not tell whose they are',
  fix: 'an account for each person; in authorized_keys of each account only the keys of its owner, with a comment such as alice@laptop',
  judge: (view) =>
    aboutPeople(view, ({ user, keys }) => {
      const owners = [...new Set(keys.map(({ owner }) => owner).filter((owner) => owner !== null))]
      const nameless = keys.filter(({ owner }) => owner === null).length
      if (owners.length < 2 && !(keys.length > 1 && nameless > 0)) return null
      const detail = { keysCount: keys.length, namelessCount: nameless, ...named(owners, 'owners') }
      return { user, status: owners.length > 1 ? 'fail' : 'warn', detail }
    }),
}

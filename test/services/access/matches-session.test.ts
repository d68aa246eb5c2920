import test from 'ava'
import { matchesSession } from '#services/access/matches-session.ts'
import { SessionMatch } from '#services/schema/session-match.ts'

const known = {
  namesOf: (name: string) => (name === 'asmith' ? ['alice'] : []),
  teamOf: (user: string) => (user === 'asmith' ? 'board' : null),
  groupsOf: (host: string) => (host === 'payroll-1' ? ['hr', 'finance'] : []),
}
const session = { user: 'asmith', person: null, bastion: 'jump1', target: 'payroll-1' }
const matches = (match: object, one = session) => matchesSession(SessionMatch.parse(match), one, known)

test('a session is meant when it has all that is named, and of each list one', (t) => {
  t.true(matches({ users: ['bob', 'ALICE'] }))
  t.true(matches({ users: ['asmith'], teams: ['board'], hosts: ['payroll-1'], groups: ['hr'] }))
  t.true(matches({ hosts: ['jump1'] }))
  t.true(matches({ groups: ['finance', 'x'] }))
  for (const wrong of [{ users: ['bob'] }, { teams: ['sales'] }, { hosts: ['jump2'] }, { groups: ['it'] }]) {
    t.false(matches(wrong), JSON.stringify(wrong))
    t.false(matches({ users: ['alice'], hosts: ['jump1'], ...wrong }), JSON.stringify(wrong))
  }
  t.false(matches({ groups: ['hr'] }, { ...session, target: 'web-1' }))
})

test('a rule that names nothing, or nobody, is refused', (t) => {
  for (const empty of [{}, { users: [] }, { user: ['alice'] }]) t.false(SessionMatch.safeParse(empty).success)
})

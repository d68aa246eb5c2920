import test from 'ava'
import { may, mayWriteFor } from '#services/access/permissions.ts'
import { Action, type Principal, Role } from '#services/schema/access.ts'

/** Who may do what, written out: a change of the table has to be made twice, on purpose. */
const expected: Record<Action, Role[]> = {
  'session.list': ['admin', 'analyst', 'oncall', 'auditor', 'custodian'],
  'session.view': ['admin', 'analyst', 'oncall', 'auditor'],
  'session.replay': ['admin', 'analyst', 'oncall', 'auditor'],
  'session.export': ['admin', 'analyst', 'auditor'],
  'session.share': ['admin', 'analyst', 'auditor'],
  'session.terminate': ['admin', 'analyst'],
  'event.list': ['admin', 'analyst', 'oncall', 'auditor', 'siem'],
  search: ['admin', 'analyst', 'auditor'],
  'alert.list': ['admin', 'analyst', 'oncall', 'auditor', 'siem'],
  'alert.triage': ['admin', 'analyst', 'oncall'],
  'rule.list': ['admin', 'analyst', 'oncall', 'auditor', 'siem'],
  'suppression.list': ['admin', 'analyst', 'oncall', 'auditor', 'siem'],
  'suppression.manage': ['admin', 'analyst'],
  'user.view': ['admin', 'analyst', 'oncall', 'auditor'],
  'log.read': ['admin', 'analyst', 'auditor', 'custodian'],
  'agent.list': ['admin', 'auditor'],
  'agent.manage': ['admin'],
  'token.manage': ['admin'],
  'login.issue': ['admin'],
  'ingest.write': ['admin', 'ingest'],
  'metrics.read': ['admin'],
  'delivery.manage': ['admin'],
  'coverage.read': ['admin', 'analyst', 'oncall', 'auditor', 'custodian'],
  'custody.read': ['admin', 'auditor', 'custodian'],
  'custody.request': ['admin', 'custodian'],
  'custody.approve': ['admin', 'auditor', 'custodian'],
  'access.approve': ['admin', 'analyst', 'auditor'],
}

for (const action of Action.options) {
  test(`${action} is for ${expected[action].join(', ')} and nobody else`, (t) => {
    t.deepEqual(
      Role.options.filter((role) => may(role, action)),
      expected[action],
    )
  })
}

test('an ingest token writes for its own bastion only, an admin for any, and nobody else', (t) => {
  const agent: Principal = { id: '1', name: 'jump1', role: 'ingest', bastion: 'jump1' }
  t.true(mayWriteFor(agent, 'jump1'))
  t.false(mayWriteFor(agent, 'jump2'))
  t.false(mayWriteFor({ ...agent, bastion: null }, 'jump1'))
  t.true(mayWriteFor({ ...agent, role: 'admin', bastion: null }, 'jump1'))
  for (const role of Role.exclude(['ingest', 'admin']).options) t.false(mayWriteFor({ ...agent, role }, 'jump1'), role)
})

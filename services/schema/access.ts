import { z } from 'zod'

export const Role = z.enum(['admin', 'analyst', 'oncall', 'auditor', 'custodian', 'siem', 'ingest'])
export type Role = z.infer<typeof Role>

/** What a request does, for the table of who may. */
export const Action = z.enum([
  'session.list',
  'session.view',
  'session.replay',
  'session.export',
  'session.share', // a link for people without an account
  'session.terminate',
  'event.list',
  'search',
  'alert.list',
  'alert.triage',
  'rule.list',
  'suppression.list',
  'suppression.manage',
  'user.view',
  'log.read',
  'agent.list',
  'agent.manage',
  'token.manage',
  'login.issue',
  'ingest.write',
  'metrics.read',
  'delivery.manage',
  'coverage.read',
  'custody.read',
  'custody.request', // a hold, a longer retention; to lift a hold, to erase: with a second person
  'custody.approve', // the second person of these
  'access.approve', // the second person where policy wants one to see content
])
export type Action = z.infer<typeof Action>

/** Who asks. `bastion`: the only one it may speak for; role ingest has one, the others have none. */
export const Principal = z.object({
  id: z.string().max(128), // of the token or sign-in link, never its secret
  name: z.string().max(128),
  role: Role,
  bastion: z.string().nullable(),
})
export type Principal = z.infer<typeof Principal>

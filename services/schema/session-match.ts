import { z } from 'zod'

const names = z.array(z.string().min(1).max(256)).min(1).max(1_000).optional()

/** Sessions that have all of what is named here, and of each list one. */
export const SessionMatch = z
  .strictObject({
    users: names, // or another name of theirs, by the operator's directory
    teams: names, // of the user, by the directory
    hosts: names, // bastion or target
    groups: names, // of one of these hosts, by the directory
  })
  .refine((match) => Object.values(match).some((list) => list !== undefined), 'names nothing')
export type SessionMatch = z.infer<typeof SessionMatch>

import { z } from 'zod'

const names = z.array(z.string().min(1).max(256)).min(1).max(1_000).optional()

const lists = {
  users: names, // or another name of theirs, by the operator's directory
  teams: names, // of the user, by the directory
  hosts: names, // bastion or target
  groups: names, // of one of these hosts, by the directory
}
const namesSomething = (match: object): boolean => Object.values(match).some((list) => list !== undefined)

/** Sessions that have all of what is named here, and of each list one. */
export const SessionMatch = z.strictObject(lists).refine(namesSomething, 'names nothing')
export type SessionMatch = z.infer<typeof SessionMatch>

/** `labels`: of the user or one of the hosts, by the directory. */
export const RetentionMatch = z.strictObject({ ...lists, labels: names }).refine(namesSomething, 'names nothing')
export type RetentionMatch = z.infer<typeof RetentionMatch>

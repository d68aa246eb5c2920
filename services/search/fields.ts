import { SessionState } from '../schema/session.ts'

/** The fields of the query language: what /api/search/fields answers and docs/search.md shows. */

export type FieldInfo = { name: string; description: string; example: string }

const states = SessionState.options

export const fields = [
  { name: 'user', description: 'who logged in; with * at its end: what the name begins with', example: 'user:alice' },
  { name: 'host', description: 'the host that was reached, or the bastion', example: 'host:db-*' },
  { name: 'ip', description: 'where from: an address, or a network in CIDR form', example: 'ip:10.1.0.0/16' },
  { name: 'bastion', description: 'the bastion', example: 'bastion:jump1' },
  {
    name: 'after',
    description: 'from then on: a date, a time, now, today, yesterday, or how long ago (s, m, h, d, w)',
    example: 'after:yesterday',
  },
  {
    name: 'before',
    description: 'up to then, and not then itself; written as in after:',
    example: 'before:2026-11-01',
  },
  {
    name: 'duration',
    description: 'how long the session lasts, or has lasted by now: >, >=, < or <= and s, m, h, d, w',
    example: 'duration>1h30m',
  },
  { name: 'has', description: 'its session has an alert, or a file transfer', example: 'has:alert' },
  { name: 'state', description: `how its session stands: ${states.join(', ')}`, example: 'state:truncated' },
  {
    name: 'session',
    description: 'the session with this id, or whose id begins so: 8 characters or more',
    example: 'session:01a20278-190a',
  },
  { name: 'cmd', description: 'a command has this text', example: 'cmd:"rm -rf"' },
  { name: 'screen', description: 'the screen showed this text', example: 'screen:"permission denied"' },
  { name: 'event', description: 'an event (login, transfer, forward, …) has this text', example: 'event:publickey' },
] as const satisfies FieldInfo[]

export type FieldName = (typeof fields)[number]['name']

/** Fields with few values, and which. */
export const fixedValues: Partial<Record<FieldName, readonly string[]>> = { has: ['alert', 'transfer'], state: states }

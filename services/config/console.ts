import { z } from 'zod'
import { Flag } from '../schema/flag.ts'
import { SessionMatch } from '../schema/session-match.ts'
import { int, port } from './fields.ts'

export const Http = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('address of console and API; put a TLS proxy before any other than loopback'),
  port: port.default(8080).describe('0 = any free port'),
  publicUrl: z.url().optional().describe('how browsers reach the console, when through a proxy'),
})
export const Viewer = z.strictObject({
  sessionHours: int.min(1).default(12).describe('how long a browser stays signed in'),
  loginLinkMinutes: int.min(1).default(15).describe('how long a one-time sign-in link is good'),
  readers: int.min(1).max(16).default(2).describe('threads that answer queries'),
  queryTimeoutMs: int.default(5_000).describe('longest time of one query'),
})
export const Access = z.strictObject({
  ownSessions: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe('whether people see, hold, erase or decide on sessions of their own: of a user with their name'),
  reason: z
    .enum(['off', 'optional', 'required'])
    .default('off')
    .describe('whether whoever sees content says why, in the header X-Bartizan-Reason'),
  secondPerson: z
    .array(SessionMatch)
    .max(100)
    .default([])
    .describe('sessions whose content nobody sees without leave of another person; in the configuration file only'),
  shares: Flag.default(false).describe(
    'whether links can be made that show a part of one session to who has no account',
  ),
  shareHours: int
    .min(1)
    .max(30 * 24)
    .default(7 * 24)
    .describe('how long such a link lasts at most; also one that was made before this was set'),
})
export const Approvals = z.strictObject({
  expiresMs: int
    .min(60_000)
    .max(30 * 24 * 3_600_000)
    .default(24 * 3_600_000)
    .describe('how long a request can be decided, and how long leave to see content then lasts'),
})
export const Custody = z.strictObject({
  report: z
    .string()
    .regex(/^(?:[\d*,/-]{1,40} ){5}[\d*,/-]{1,40}$/, 'not six fields of cron')
    .default('0 30 2 * * *')
    .describe(
      'when the nightly report about held, ending, disposed of and erased evidence is an event; cron with seconds, UTC',
    ),
  backupDays: int
    .max(10_000)
    .default(0)
    .describe(
      'how long backups of keys and state are kept: so long an erased session is called erasing; 0: there are none',
    ),
})

import { z } from 'zod'
import { Flag } from '../schema/flag.ts'
import { TimeZone } from '../schema/time-zone.ts'
import { int, list, port } from './fields.ts'

export const Sudo = z.strictObject({
  host: z.string().default('127.0.0.1').describe('address of the sudo log server'),
  port: port.default(30_343).describe('0 = any free port'),
  allowedUids: list(int).default([0]).describe('users whose sockets may speak to the sudo port; sudo itself runs as 0'),
  maxConnections: int.default(1024).describe('more are refused'),
  resumeGraceMs: int
    .default(30_000)
    .describe('how long a cut session waits for its client before it ends as truncated'),
  idleHelloMs: int.default(10_000).describe('a connection that says nothing for this long is closed'),
})
export const Script = z.strictObject({
  port: port
    .default(0)
    .describe('where `bartizan record` finds the agent; 0 = any free one, told to its own user only'),
  maxSessions: int.default(256).describe('recordings by `bartizan record` at once; more are refused'),
  maxSessionsPerUser: int.default(32).describe('and of one user'),
})
const syslogAddress = /^(?:(?:udp|tcp):(?:(?:\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,253}):)?\d{1,5}|unix:\/.{1,200})$/
export const Openssh = z.strictObject({
  logFile: z
    .string()
    .optional()
    .describe("sshd's log (LogLevel VERBOSE), followed from its beginning; BARTIZAN_OPENSSH_LOG names it too"),
  listen: list(z.string().regex(syslogAddress, 'not udp:HOST:PORT, tcp:HOST:PORT or unix:PATH'))
    .default([])
    .describe('where syslog comes in: udp:127.0.0.1:5514, tcp:127.0.0.1:5514, unix:/run/bartizan/log'),
  journal: Flag.default(false).describe('read the journal of systemd'),
  timeZone: TimeZone.default(Intl.DateTimeFormat().resolvedOptions().timeZone).describe(
    'of times in the log that name none (IANA)',
  ),
  year: z.coerce
    .number()
    .int()
    .min(1995)
    .max(9999)
    .optional()
    .describe('of the first line, where times name none; absent: by the clock'),
})
const lines = {
  logFile: z.string().optional().describe('file that is followed from its beginning'),
  listen: list(z.string().regex(syslogAddress, 'not udp:HOST:PORT, tcp:HOST:PORT or unix:PATH'))
    .default([])
    .describe('where syslog comes in, as for openssh'),
  journal: Flag.default(false).describe('read the journal of systemd'),
}
export const Tlog = z.strictObject({
  ...lines,
  silentEndMs: int
    .default(3_600_000)
    .describe('silence after which a recording is over, where its process cannot be looked at (another host)'),
})
export const Auditd = z.strictObject({
  logFile: z
    .string()
    .optional()
    .describe("auditd's log (raw or enriched) or laurel's, with execve records; followed from its beginning"),
})
export const AsciinemaLive = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('address for `asciinema stream`; any but loopback needs a certificate'),
  port: port.optional().describe('absent: nobody streams; 0 = any free port'),
  certFile: z.string().optional().describe('PEM, with keyFile: wss:// instead of ws://'),
  keyFile: z.string().optional().describe('private key of certFile, PEM'),
  maxStreams: int.default(64).describe('at once; more are refused'),
  maxStreamsPerKey: int.default(8).describe('and by one key'),
})

import type { Alert } from '#services/schema/alert.ts'
import { type EventKind, SessionEvent } from '#services/schema/session-event.ts'
import type { FormatContext, Numbered } from '#services/sinks/sink.ts'

export const about: FormatContext = {
  host: 'audit.example.org',
  version: '1.2.3',
  consoleUrl: 'https://audit.example.org',
}

const common = {
  at: '2026-03-04T05:06:07.089Z',
  receivedAt: '2026-03-04T05:06:07.189Z',
  source: 'openssh',
  bastion: 'b1.example.org',
  user: 'alice',
  sourceIp: '203.0.113.7',
  sourcePort: 50123,
  target: 'db1.example.org',
  sessionId: '0195610a-2f3b-7c4d-8e5f-0123456789ab',
  agentSeq: 17,
  prevHash: 'a'.repeat(64),
}

const own: Record<EventKind, Record<string, unknown>> = {
  login: {
    method: 'publickey',
    keyFingerprint: 'SHA256:abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
    certId: 'alice@corp',
    certSerial: '77',
    certCa: 'SHA256:ca',
    mfa: true,
    clientVersion: 'SSH-2.0-OpenSSH_9.7',
    outcome: 'success',
    connection: 'a field we do not know',
  },
  login_failed: { method: 'password', reason: 'bad_password', outcome: 'failure' },
  session_started: { protocol: 'ssh', tty: true, recorded: true },
  session_ended: { durationMs: 61_500.5, outBytes: 1000, inBytes: 50, maxIdleMs: 9000, exitCode: 0, recorded: true },
  command: {
    argv: ['/usr/bin/sudo', '-u', 'root', 'cat', '/etc/shadow'],
    line: 'sudo -u root cat /etc/shadow',
    runAs: 'root',
    exitCode: 1,
    via: 'exec',
    atMs: 1234,
  },
  file_transfer: {
    direction: 'download',
    sizeBytes: 5_000_000,
    fileCount: 1,
    path: '/srv/dump/all.sql',
    protocol: 'sftp',
    sha256: 'b'.repeat(64),
  },
  port_forward: { direction: 'local', destHost: '10.1.2.3', destPort: 5432 },
  privilege_change: { method: 'su', fromUser: 'alice', toUser: 'root' },
  posture: { check: 'mfa-required', status: 'fail', detail: { wanted: true, is: [1, 'two', { three: null }] } },
  recorder_health: {
    status: 'killed',
    agent: 'agent-1',
    seq: 9,
    spoolBytes: 1024,
    lagMs: 12.5,
    detail: 'killed by signal 9',
  },
  access: { actor: 'carol', action: 'session.view', object: 'session 1', reason: 'case 7' },
}

/** One of each kind, with every field set. */
const sampleEvents: SessionEvent[] = Object.entries(own).map(([kind, fields], n) =>
  SessionEvent.parse({ ...common, id: `${n}`.padStart(64, 'e'), kind, ...fields }),
)
export const sampleEvent = (kind: EventKind, fields: Record<string, unknown> = {}): SessionEvent =>
  SessionEvent.parse({ ...sampleEvents.find((event) => event.kind === kind), ...fields })

/** The same, without anything that may be absent. */
const bareEvents: SessionEvent[] = sampleEvents.map((event) => {
  const bare = { ...event } as Record<string, unknown>
  for (const name of Object.keys(bare)) if (SessionEvent.safeParse({ ...bare, [name]: null }).success) bare[name] = null
  delete bare.receivedAt
  return SessionEvent.parse(bare)
})

export const sampleAlert: Alert = {
  id: 'c'.repeat(32),
  revision: 3,
  rule: 'auth-success-after-failures',
  severity: 'high',
  status: 'acknowledged',
  title: 'A login after 6 failures',
  at: '2026-03-04T05:06:07.089Z',
  entity: { kind: 'user', key: 'alice' },
  user: 'alice',
  sourceIp: '203.0.113.7',
  bastion: 'b1.example.org',
  check: null,
  sessionId: common.sessionId,
  sessionIds: [common.sessionId],
  atMs: 42,
  gap: null,
  count: 6,
  firstEventAt: '2026-03-04T05:00:00.000Z',
  lastEventAt: '2026-03-04T05:06:07.089Z',
  explanation: 'Six wrong passwords in 5 minutes, then the right one.',
  baseline: { observed: '6 failures', expected: 'at most 1', historySize: 80, historyDays: 30.5 },
  withdrawn: false,
  triage: { status: 'acknowledged', actor: 'carol', at: '2026-03-04T06:00:00.000Z', reason: 'I call her' },
}
const { triage: _, ...untriaged } = sampleAlert
export const sampleAlerts: Alert[] = [
  sampleAlert,
  {
    ...untriaged,
    triage: null,
    status: 'open',
    revision: 1,
    user: null,
    sourceIp: null,
    sessionId: null,
    sessionIds: [],
    bastion: null,
    atMs: null,
    baseline: null,
    rule: 'recording-gap',
    gap: 'missing',
    severity: 'critical',
  },
  { ...untriaged, triage: null, status: 'resolved', withdrawn: true, severity: 'info' },
]

export const everySample: Numbered[] = [
  ...[...sampleEvents, ...bareEvents].map((event) => ({ type: 'event' as const, event })),
  ...sampleAlerts.map((alert) => ({ type: 'alert' as const, alert })),
].map((item, n) => ({ seq: n + 1, item }))

export const numbered = (event: SessionEvent, seq = 1): Numbered => ({ seq, item: { type: 'event', event } })

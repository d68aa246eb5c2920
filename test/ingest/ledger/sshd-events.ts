import { SessionEvent } from '#services/schema/session-event.ts'
import { at } from '#test/contract/catalog-place.ts'

/** Events as sshd's log and a recorder tell of one connection; seconds after the epoch of the catalog's tests. */

export const bastion = 'bastion-1'
export const connectionId = 'c'.repeat(32)
export const connection = { bastion, connectionId }

const origin = { user: 'alice', sourceIp: '203.0.113.9', sourcePort: 52_022, bastion, outcome: 'success' }
const sshd = (kind: string, seconds: number, id: string, more: Record<string, unknown>): SessionEvent =>
  SessionEvent.parse({ id: `sshd-${id}`, at: at(seconds), kind, source: 'openssh', connectionId, ...origin, ...more })

export const login = (seconds: number, more: Record<string, unknown> = {}): SessionEvent =>
  sshd('login', seconds, `login-${seconds}`, { method: 'publickey', keyFingerprint: 'SHA256:key', ...more })

export const failure = (seconds: number, id: string, more: Record<string, unknown> = {}): SessionEvent =>
  sshd('login_failed', seconds, `failed-${id}`, { reason: 'bad_password', outcome: 'failure', ...more })

export const channel = (seconds: number, number: number, more: Record<string, unknown> = {}): SessionEvent =>
  sshd('session_started', seconds, `channel-${seconds}-${number}`, {
    channel: number,
    protocol: 'ssh',
    tty: true,
    recorded: false,
    ...more,
  })

export const disconnect = (seconds: number, more: Record<string, unknown> = {}): SessionEvent =>
  sshd('session_ended', seconds, `disconnect-${seconds}`, {
    durationMs: 0,
    outBytes: 0,
    inBytes: 0,
    recorded: false,
    ...more,
  })

export const recorded = (seconds: number, sessionId: string, more: Record<string, unknown> = {}): SessionEvent =>
  sshd('session_started', seconds, `recorded-${sessionId}`, {
    source: 'sudo',
    sessionId,
    protocol: 'ssh',
    tty: true,
    recorded: true,
    ...more,
  })

const ofLog = (kind: string, seconds: number, stay: string, more: Record<string, unknown>): SessionEvent =>
  SessionEvent.parse({
    ...{ id: `${kind}-${stay}-${seconds}`, at: at(seconds), kind, source: 'auth-log', bastion, user: 'alice' },
    ...{ connectionId: stay, outcome: 'success', protocol: 'sudo', recorded: false, ...more },
  })

/** A `sudo` at a terminal of the bastion itself; `stay`: 32 hex digits. */
export const atTerminal = (seconds: number, stay: string, more: Record<string, unknown> = {}): SessionEvent =>
  ofLog('session_started', seconds, stay, { tty: true, ttyName: 'pts/3', runAs: 'root', ...more })
export const leftTerminal = (seconds: number, stay: string): SessionEvent =>
  ofLog('session_ended', seconds, stay, { durationMs: 0, outBytes: 0, inBytes: 0 })

/** The agent's sign of life. */
export const beat = (seconds: number): SessionEvent =>
  SessionEvent.parse({
    id: `agent-beat-${seconds}`,
    at: at(seconds),
    kind: 'recorder_health',
    source: 'agent',
    bastion,
    status: 'ok',
  })

/** Of somebody at the console, on the machine that is a bastion, too. */
export const access = (seconds: number): SessionEvent =>
  SessionEvent.parse({
    id: `access-${seconds}`,
    at: at(seconds),
    kind: 'access',
    source: 'viewer',
    bastion,
    user: 'analyst',
    actor: 'analyst (analyst, 1)',
    action: 'alert.list',
    object: null,
    outcome: 'success',
  })

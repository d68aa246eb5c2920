import { hash } from 'node:crypto'
import { quote } from 'shell-quote'
import type { Sighting } from '#hooks/agent/session-sightings.ts'
import type { LineEvent } from '#hooks/openssh/take-lines.ts'
import type { Execve } from './execve.ts'
import type { UserNames } from './user-names.ts'

/** Who an id is, by whoever wrote the log, else by this host. */
export const userOf = ({ names }: Execve, uid: number | null, users: UserNames): string | null =>
  uid === null ? null : (names.get(uid) ?? users.nameOf(uid) ?? `uid:${uid}`)

/** An execve as an event. Its id is that of audit's event: the same by auditd and laurel, live and imported. */
export const commandEvent = (exec: Execve, bastion: string, users: UserNames, session: Sighting | null): LineEvent => {
  const { argv, exe, atMs } = exec
  const words = argv.length > 0 ? argv : exe === null ? [] : [exe]
  const user = userOf(exec, exec.auid, users)
  const runAs = userOf(exec, exec.euid ?? exec.uid, users)
  const facts = session?.chain.facts
  return {
    id: hash('sha256', `bartizan-event-v0\n${bastion}\nauditd\n${exec.eventId}`),
    kind: 'command',
    at: new Date(atMs).toISOString(),
    source: 'auditd',
    user,
    sourceIp: facts?.sourceIp ?? null,
    sourcePort: facts?.sourcePort ?? null,
    connectionId: facts?.connectionId ?? null,
    target: facts?.target ?? null,
    sessionId: session?.chain.sessionId ?? null,
    outcome: exec.succeeded ? 'success' : 'failure',
    argv: words,
    argvCut: exec.argvCut,
    line: quote(words),
    command: exe,
    cwd: exec.cwd,
    runAs: runAs === user ? null : runAs,
    exitCode: null, // audit knows how the call of execve ended, not the program
    result: exec.result,
    via: 'exec',
    atMs: facts ? Math.max(0, atMs - facts.startedAtMs) : 0,
    auid: exec.auid,
    ses: exec.ses,
    tty: exec.tty,
    pid: exec.pid,
    ppid: exec.ppid,
    auditKey: exec.key,
  }
}

import { hash } from 'node:crypto'
import { isPseudoTerminal, localSource } from '#services/schema/local-session.ts'
import type { LocalFact } from './local-facts.ts'
import type { LocalSession } from './local-sessions.ts'
import { emit, type Scene } from './scene.ts'

/** One stay at a terminal, as a connection is one of ssh: 32 hex digits. */
const idOf = (bastion: string, eventId: string): string =>
  hash('sha256', `bartizan-local-v0\n${bastion}\n${eventId}`).slice(0, 32)

const about = (user: string, connectionId: string) => ({ user, ip: null, port: null, connectionId })

const tell = (scene: Scene, { program, user, target, tty }: Omit<LocalSession, 'connectionId'>): string => {
  const id = scene.nextId()
  const connectionId = idOf(scene.bastion, id)
  const fields = { source: localSource, outcome: 'success', protocol: program, tty: true, recorded: false }
  const runAs = target === user ? null : target
  emit(scene, 'session_started', about(user, connectionId), { ...fields, ttyName: tty, runAs }, { id, at: scene.at })
  return connectionId
}

const began = (scene: Scene, { program, user, target, tty }: Extract<LocalFact, { type: 'began' }>): void => {
  // What has no terminal is a program's, and no session of a person; login is always at one, and does not say which.
  if (tty === null && program !== 'login') return
  const { host, pid, nowMs: atMs, localSessions } = scene
  const start = { host, program, pid, user, target, tty, atMs }
  const isOfSsh = program !== 'login' && isPseudoTerminal(tty) && scene.connections.isIn(host, user)
  if (isOfSsh || (program !== 'login' && localSessions.isInside(start, atMs))) {
    localSessions.begin(start, null)
    return
  }
  const connectionId = localSessions.stay(start) ?? tell(scene, start)
  localSessions.staying(start, connectionId)
  localSessions.begin(start, connectionId)
}

const ended = (scene: Scene, { program, target }: Extract<LocalFact, { type: 'ended' }>): void => {
  const session = scene.localSessions.end(scene.host, program, target, scene.pid)
  if (!session || session.connectionId === null) return
  emit(scene, 'session_ended', about(session.user, session.connectionId), {
    source: localSource,
    outcome: 'success',
    protocol: program,
    durationMs: Math.max(0, scene.nowMs - session.atMs),
    outBytes: 0,
    inBytes: 0,
    maxIdleMs: null,
    exitCode: null,
    exitSignal: null,
    recorded: false,
  })
}

/**
 * A session on the bastion itself is told where nothing that is known explains it: no ssh connection of the user goes on,
 * and it did not begin inside of another one.
 */
export const onLocal = (scene: Scene, fact: LocalFact): void =>
  fact.type === 'began' ? began(scene, fact) : ended(scene, fact)

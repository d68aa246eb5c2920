import { quote } from 'shell-quote'
import type { HookEvent } from '#hooks/hook.ts'
import type { Marker } from '#services/schema/marker.ts'
import { maxIdleNs, type SessionChain, type SessionFacts } from './session-chain.ts'

const iso = (atMs: number): string => new Date(atMs).toISOString()
const milliseconds = (ns: bigint): number => Number(ns / 1_000_000n)

const about = (sessionId: string, { hook, user, target, sourceIp, sourcePort, connectionId }: SessionFacts) => ({
  source: hook,
  user,
  sourceIp,
  sourcePort,
  target,
  sessionId,
  connectionId,
})

export const startedEvent = (sessionId: string, facts: SessionFacts): HookEvent => ({
  kind: 'session_started',
  at: iso(facts.startedAtMs),
  ...about(sessionId, facts),
  parentId: facts.parentId,
  runAs: facts.runAs,
  outcome: 'success',
  protocol: 'ssh',
  tty: facts.tty,
  recorded: true,
})

/** `elapsedNs`: place of the marker in the recording. */
export const commandEvent = (
  { sessionId, facts }: SessionChain,
  { argv, command, cwd, runAs }: Extract<Marker, { type: 'exec' }>,
  elapsedNs: bigint,
): HookEvent => {
  const words = argv.length > 0 ? argv : [command]
  return {
    kind: 'command',
    at: iso(facts.startedAtMs + milliseconds(elapsedNs)),
    ...about(sessionId, facts),
    outcome: 'success',
    argv: words,
    line: quote(words),
    command,
    cwd,
    runAs: runAs === facts.user ? null : runAs,
    exitCode: null,
    via: 'exec',
    atMs: milliseconds(elapsedNs),
  }
}

/** Of a session whose end is in its chain. */
export const endedEvent = (chain: SessionChain): HookEvent => {
  const { atMs, exitCode, signal, runTimeNs } = chain.end!
  return {
    kind: 'session_ended',
    at: iso(atMs),
    ...about(chain.sessionId, chain.facts),
    parentId: chain.facts.parentId,
    durationMs: milliseconds(runTimeNs > 0n ? runTimeNs : chain.elapsedNs),
    outBytes: chain.outBytes,
    inBytes: chain.inBytes,
    maxIdleMs: milliseconds(maxIdleNs(chain)),
    exitCode,
    exitSignal: signal,
    recorded: true,
  }
}

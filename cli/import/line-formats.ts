import { maskedEvent } from '#hooks/agent/event-chain.ts'
import { createAuditLog } from '#hooks/auditd/audit-log.ts'
import { createCommands } from '#hooks/auditd/auditd-hook.ts'
import type { Execve } from '#hooks/auditd/execve.ts'
import { createEventLines } from '#hooks/ndjson/event-lines.ts'
import type { LineEvent } from '#hooks/openssh/take-lines.ts'

/** What one line gives, and why it, or what it ended, gives less. */
export type TakenLine = { events: readonly LineEvent[]; refused: readonly string[] }
export type LineReader = {
  take(line: string): TakenLine
  /** Behind the last line of a file. */
  rest(): TakenLine
}

const eventsOf = (bastion: string): LineReader => {
  const read = createEventLines(bastion)
  const take = (line: string): TakenLine => {
    if (line.trim() === '') return { events: [], refused: [] }
    const result = read(line)
    return 'event' in result ? { events: [result.event], refused: [] } : { events: [], refused: [result.refused] }
  }
  return { take, rest: () => ({ events: [], refused: [] }) }
}

/** Of another host, and of before: ids of users are names only where the log says so, and sessions are not known. */
const ofAudit = (bastion: string): LineReader => {
  const refused: string[] = []
  const log = createAuditLog(null, (reason) => void refused.push(reason))
  const commands = createCommands(bastion, { nameOf: () => null }, { all: () => [] })
  const taken = (execs: Execve[]): TakenLine => ({
    events: execs.flatMap(commands).map((event) => maskedEvent({ ...event, bastion })),
    refused: refused.splice(0),
  })
  return { take: (line) => taken(log.take(line)), rest: () => taken(log.rest()) }
}

/** Logs whose lines stand for themselves. */
export const lineFormats = { events: eventsOf, auditd: ofAudit } satisfies Record<
  string,
  (bastion: string) => LineReader
>
export type LineFormat = keyof typeof lineFormats
export const isLineFormat = (name: string): name is LineFormat => Object.hasOwn(lineFormats, name)

import { z } from 'zod'
import { type Execve, execveOf } from './execve.ts'
import { readLaurel } from './laurel.ts'
import { type AuditRecord, readRecord } from './record.ts'

const maxOpenEvents = 256 // the kernel writes the records of one event one after the other; several CPUs mix a few
const maxRecords = 128 // of one event: 4,096 arguments come in some dozen records
const maxOpenBytes = 4 * 1024 * 1024
const lateMs = 2_000

/** The records of events that are not whole yet: lines as they were. */
export const AuditLogState = z.object({ lines: z.array(z.string().max(70_000)).max(maxOpenEvents * maxRecords) })
export type AuditLogState = z.infer<typeof AuditLogState>

type OpenEvent = { records: AuditRecord[]; lines: string[]; atMs: number; sizeBytes: number }

const isPartOfExecve = new Set(['SYSCALL', 'EXECVE', 'CWD', 'PROCTITLE', 'EOE'])
/** Nothing of interest comes behind these. */
const isLast = new Set(['PROCTITLE', 'EOE'])

/** Lines of auditd or laurel → execs. Knows no time but that of the lines; memory is bounded. */
export const createAuditLog = (before: AuditLogState | null, onRefused: (reason: string) => void) => {
  const open = new Map<string, OpenEvent>()
  let openBytes = 0

  const close = (eventId: string): Execve[] => {
    const event = open.get(eventId)
    if (event === undefined) return []
    open.delete(eventId)
    openBytes -= event.sizeBytes
    const execve = execveOf(event.records)
    if (execve === null && event.records.some(({ type }) => type === 'EXECVE'))
      onRefused('an exec without its SYSCALL record')
    return execve === null ? [] : [execve]
  }
  const closeOverdue = (nowMs: number): Execve[] => {
    const overdue = [...open].filter(([, { atMs }]) => nowMs - atMs >= lateMs).map(([eventId]) => eventId)
    return overdue.flatMap(close)
  }
  const closeBeyondLimits = (): Execve[] => {
    const execs: Execve[] = []
    while (open.size > maxOpenEvents || openBytes > maxOpenBytes) execs.push(...close(open.keys().next().value ?? ''))
    return execs
  }

  const takeRecord = (record: AuditRecord, line: string): Execve[] => {
    const { eventId, type, atMs } = record
    if (!isPartOfExecve.has(type)) return []
    const event = open.get(eventId) ?? { records: [], lines: [], atMs, sizeBytes: 0 }
    if (isLast.has(type)) return [...close(eventId), ...closeOverdue(atMs)]
    if (event.records.length >= maxRecords) {
      onRefused(`an event of more than ${maxRecords} records`)
      return []
    }
    event.records.push(record)
    event.lines.push(line)
    event.sizeBytes += line.length
    openBytes += line.length
    open.set(eventId, event)
    return [...closeOverdue(atMs), ...closeBeyondLimits()]
  }
  const takeLaurel = (line: string): Execve[] => {
    const read = readLaurel(line)
    if (typeof read === 'string') onRefused(read)
    return typeof read === 'string' || read === null ? [] : [read]
  }
  const take = (line: string): Execve[] => {
    if (line.charCodeAt(0) === 123) return takeLaurel(line)
    const record = readRecord(line)
    if (record) return takeRecord(record, line)
    if (line.trim() !== '') onRefused('no record of audit')
    return []
  }
  for (const line of before?.lines ?? []) take(line)

  return {
    take,
    /** Of what is open: no more lines come. */
    rest: (): Execve[] => [...open.keys()].flatMap(close),
    snapshot: (): AuditLogState => ({ lines: [...open.values()].flatMap(({ lines }) => lines) }),
  }
}

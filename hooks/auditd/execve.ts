import { type AuditRecord, bytesOf } from './record.ts'

/** One execve, as audit tells of it; by auditd or laurel. */
export type Execve = {
  eventId: string
  atMs: number
  argv: string[]
  /** Arguments are missing, were cut, or were no UTF-8. */
  argvCut: boolean
  cwd: string | null
  exe: string | null
  succeeded: boolean
  /** Of the system call: 0 or a negative errno. A program's exit code is not in the log. */
  result: number | null
  pid: number | null
  ppid: number | null
  /** Who logged in; null: unset, as for what no login started. */
  auid: number | null
  uid: number | null
  euid: number | null
  /** The kernel's login session; null: unset. */
  ses: number | null
  tty: string | null
  key: string | null
  /** By auditd (ENRICHED) or laurel, where they looked: uid → name. */
  names: ReadonlyMap<number, string>
}

const unset = 0xffff_ffff
const maxArguments = 4096
const maxArgumentBytes = 128 * 1024 // of all together

const replacement = '\ufffd'

/** Arguments within the limits, and whether that is all. */
export const argumentsWithin = (all: Iterable<Buffer | null>): Pick<Execve, 'argv' | 'argvCut'> => {
  const argv: string[] = []
  let left = maxArgumentBytes
  let argvCut = false
  for (const bytes of all) {
    if (argv.length >= maxArguments || left <= 0) return { argv, argvCut: true }
    const text = bytes === null ? '' : bytes.toString('utf8', 0, Math.min(bytes.length, left))
    argvCut ||= bytes === null || bytes.length > left || (text.includes(replacement) && !bytes.includes(replacement))
    left -= bytes?.length ?? 0
    argv.push(text)
  }
  return { argv, argvCut }
}

/** What the kernel writes for a number that is not set, or 4294967295. */
export const numberOf = (value: unknown): number | null => {
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number !== unset && number !== -1 ? number : null
}
export const resultOf = (value: unknown): number | null => (value === '-1' || value === -1 ? -1 : numberOf(value))

export const ttyOf = (value: string | undefined): string | null =>
  value === undefined || value === '(none)' || value === '?' || value === '' ? null : value

const part = /^a(\d{1,4})(?:\[(\d{1,4})\])?$/

/** Of all EXECVE records of an event: long arguments come in parts (`a1[0]`, `a1[1]`), long lists in several records. */
const argumentsOf = (records: readonly AuditRecord[]): Pick<Execve, 'argv' | 'argvCut'> => {
  const parts = new Map<number, Buffer[]>()
  let count = 0
  for (const { fields } of records) {
    count = Math.max(count, numberOf(fields.get('argc')) ?? 0)
    for (const [name, value] of fields) {
      const match = part.exec(name)
      if (match === null) continue
      const index = Number(match[1])
      const pieces = parts.get(index) ?? []
      pieces[match[2] === undefined ? 0 : Number(match[2])] = bytesOf(value)
      parts.set(index, pieces)
    }
  }
  const length = Math.min(Math.max(0, count), maxArguments + 1)
  const whole = Array.from({ length }, (_, index) => {
    const pieces = parts.get(index)
    return pieces === undefined || Object.keys(pieces).length !== pieces.length ? null : Buffer.concat(pieces)
  })
  return argumentsWithin(whole)
}

const names = (fields: ReadonlyMap<string, string>): Map<number, string> => {
  const found = new Map<number, string>()
  for (const name of ['auid', 'uid', 'euid']) {
    const id = numberOf(fields.get(name))
    const text = bytesOf(fields.get(name.toUpperCase()) ?? '').toString('utf8')
    if (id !== null && /^[^\s"]{1,256}$/.test(text) && text !== 'unset' && !text.startsWith('unknown('))
      found.set(id, text)
  }
  return found
}

const textOf = (value: string | undefined): string | null =>
  value === undefined || value === '(null)' ? null : bytesOf(value).toString('utf8')

/** The records of one event; null: it is no execve, or its SYSCALL record is missing. */
export const execveOf = (records: readonly AuditRecord[]): Execve | null => {
  const syscall = records.find(({ type }) => type === 'SYSCALL')
  const execve = records.filter(({ type }) => type === 'EXECVE')
  if (syscall === undefined || execve.length === 0) return null
  const { fields } = syscall
  return {
    eventId: syscall.eventId,
    atMs: syscall.atMs,
    ...argumentsOf(execve),
    cwd: textOf(records.find(({ type }) => type === 'CWD')?.fields.get('cwd')),
    exe: textOf(fields.get('exe')),
    succeeded: fields.get('success') === 'yes',
    result: resultOf(fields.get('exit')),
    pid: numberOf(fields.get('pid')),
    ppid: numberOf(fields.get('ppid')),
    auid: numberOf(fields.get('auid')),
    uid: numberOf(fields.get('uid')),
    euid: numberOf(fields.get('euid')),
    ses: numberOf(fields.get('ses')),
    tty: ttyOf(fields.get('tty')),
    key: textOf(fields.get('key')),
    names: names(fields),
  }
}

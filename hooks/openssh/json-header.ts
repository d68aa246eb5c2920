import { jsonObject } from '#services/json.ts'
import type { Header } from './header.ts'
import { localProgram } from './local-facts.ts'

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const pidOf = (value: unknown): string => {
  const pid = typeof value === 'number' ? String(value) : text(value)
  return /^[0-9]{1,10}$/.test(pid) ? pid : ''
}

// systemd.journal-fields(7), "Journal JSON Format": what is not UTF-8 is an array of bytes.
const messageOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (!Array.isArray(value) || !value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)) return ''
  return Buffer.from(value).toString('utf8')
}

const programs = /^(sshd|sshd-session|sshd-auth|internal-sftp|sftp-server|sudo|su|login|sshd\([a-z0-9_]{1,48}\))$/
/** `internal-sftp` is a process of sshd. */
const executables = /^(sshd|sshd-session|sshd-auth|sftp-server|sudo|su|login)$/
/** Who runs sudo and su is no root, so what proves them is their file. */
const systemFile = /^(\/usr)?\/bin\/(sudo|su|login)$/

/** Fields that begin with `_` are the journal's own: a process that only calls itself sshd cannot forge them. */
const isReally = (executable: unknown): boolean =>
  executable === undefined || executables.test(text(executable).slice(text(executable).lastIndexOf('/') + 1))

const journalTime = (micros: string): number | string =>
  /^[0-9]{1,17}$/.test(micros) ? Math.floor(Number(micros) / 1000) : ''

/** journalctl writes the fields of an entry in another order each time it runs. */
const entryOf = (fields: Record<string, unknown>): string =>
  text(fields.__CURSOR) || JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)))

const isPrivileged = ({ _UID: uid, _EXE: file, SYSLOG_IDENTIFIER: name }: Record<string, unknown>): boolean =>
  localProgram(text(name)) !== null && file !== undefined
    ? systemFile.test(text(file))
    : uid === undefined || uid === '0'

const ofJournal = (fields: Record<string, unknown>): Header | null => {
  if (!isReally(fields._COMM) || !isReally(fields._EXE)) return null
  return {
    time: journalTime(text(fields.__REALTIME_TIMESTAMP)),
    host: text(fields._HOSTNAME),
    program: text(fields.SYSLOG_IDENTIFIER),
    pid: pidOf(fields._PID ?? fields.SYSLOG_PID),
    message: messageOf(fields.MESSAGE),
    privileged: isPrivileged(fields),
    entry: entryOf(fields),
  }
}

/** rsyslog's `option.jsonf` list template with the usual names. */
const ofSyslog = (fields: Record<string, unknown>): Header => ({
  time: text(fields['@timestamp']),
  host: text(fields.host),
  program: text(fields.program),
  pid: pidOf(fields.procid),
  message: text(fields.msg),
  privileged: true,
})

const names = ['"sshd', '"internal-sftp', '"sftp-server', '"sudo"', '"su"', '"login"']

/** Of a JSON line: `journalctl -o json`, or rsyslog's. */
export const readJsonHeader = (line: string): Header | null => {
  if (!names.some((name) => line.includes(name))) return null
  const fields = jsonObject(line)
  if (fields === null) return null
  const header = fields.__REALTIME_TIMESTAMP === undefined ? ofSyslog(fields) : ofJournal(fields)
  if (header === null || header.message === '' || !programs.test(header.program)) return null
  return { ...header, message: header.message.trimStart() }
}

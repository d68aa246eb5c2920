import { jsonObject } from '#services/json.ts'
import { TlogMessage } from './message.ts'

/** `uid`: of the process that wrote it, where the journal proves it. */
export type ReadLine = { message: TlogMessage; uid: string | null } | { refused: string } | null

type Fields = Record<string, unknown>

const programs = /^tlog-rec(-session)?$/
// Of a syslog file or sender: time, host, tag and nothing else. Anything longer is somebody's own text.
const traditional =
  /^(?:<\d{1,3}>)?(?:\S{1,40} |[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )(?:\S{1,255} )?tlog-rec(?:-session)?(?:\[\d{1,10}\])?: ?$/
const rfc5424 =
  /^<\d{1,3}>1 \S{1,40} \S{1,255} tlog-rec(?:-session)? \S{1,128} \S{1,32} (?:-|\[[^\]]{0,1024}\]) ?\uFEFF?$/
const maxPrefixChars = 1_800

// systemd.journal-fields(7): what is not UTF-8 is an array of bytes.
const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  const isBytes = Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)
  return isBytes ? Buffer.from(value as number[]).toString('utf8') : ''
}

const checked = (fields: Fields | null, uid: string | null): ReadLine => {
  if (fields === null) return { refused: 'not JSON, or cut' }
  const result = TlogMessage.safeParse(fields)
  if (result.success) return { message: result.data, uid }
  const issue = result.error.issues[0]
  return { refused: `not a message of tlog 2: ${issue?.path.join('.') ?? ''}` }
}

/** A process that only calls itself tlog-rec cannot forge the fields that begin with `_`. */
const ofJournal = (fields: Fields): ReadLine => {
  if (!programs.test(textOf(fields.SYSLOG_IDENTIFIER))) return null
  // The kernel keeps 15 characters of a program's name.
  const isReally = fields._COMM === undefined || /^tlog-rec(-sessio)?$/.test(textOf(fields._COMM))
  if (!isReally) return { refused: 'the journal says that another program wrote it' }
  const uid = textOf(fields._UID)
  return checked(jsonObject(textOf(fields.MESSAGE)), /^\d{1,10}$/.test(uid) ? uid : null)
}

const ofJson = (line: string): ReadLine => {
  const fields = jsonObject(line)
  if (fields === null) return { refused: 'not JSON, or cut' }
  if (fields.__REALTIME_TIMESTAMP !== undefined) return ofJournal(fields)
  if (fields.rec !== undefined || fields.ver !== undefined) return checked(fields, null)
  // rsyslog's `option.jsonf` list template with the usual names.
  return programs.test(textOf(fields.program)) ? checked(jsonObject(textOf(fields.msg).trimStart()), null) : null
}

/** A line of tlog's file writer, of syslog, or of `journalctl -o json`. Null: of another program. */
export const readLine = (line: string): ReadLine => {
  if (line.charCodeAt(0) === 123) return ofJson(line)
  if (!line.includes('tlog-rec')) return null
  const at = line.indexOf('{')
  if (at < 0 || at > maxPrefixChars) return null
  const prefix = line.slice(0, at)
  return traditional.test(prefix) || rfc5424.test(prefix) ? checked(jsonObject(line.slice(at)), null) : null
}

/** One record of auditd's log: `type=… msg=audit(TIME:SERIAL): key=value …`. */
export type AuditRecord = {
  type: string
  /** Names the event that a record is a part of: host, time and serial. */
  eventId: string
  atMs: number
  /** As written: `"quoted"`, hex, or a word. Behind 0x1d what auditd adds when `log_format = ENRICHED`. */
  fields: ReadonlyMap<string, string>
}

const head =
  /^(?:node=(\S{1,253}) )?type=([A-Z0-9_]{1,64}|UNKNOWN\[\d{1,5}\]) msg=audit\((\d{1,12})\.(\d{3}):(\d{1,20})\):/
const maxFields = 10_000
const enrichedMark = 0x1d

const isSpace = (code: number): boolean => code === 32 || code === enrichedMark

/** Values end at a space, those in quotes (which hold no quote: auditd writes such text in hex) at the quote. */
const fieldsOf = (text: string, from: number): Map<string, string> => {
  const fields = new Map<string, string>()
  let at = from
  while (at < text.length && fields.size < maxFields) {
    while (at < text.length && isSpace(text.charCodeAt(at))) at += 1
    const equals = text.indexOf('=', at)
    if (equals < 0) break
    const quote = text[equals + 1]
    const isQuoted = quote === '"' || quote === "'"
    let end = isQuoted ? text.indexOf(quote, equals + 2) + 1 : equals + 1
    if (isQuoted && end === 0) end = text.length
    if (!isQuoted) while (end < text.length && !isSpace(text.charCodeAt(end))) end += 1
    fields.set(text.slice(at, equals), text.slice(equals + 1, end))
    at = end
  }
  return fields
}

/** Null: no record. */
export const readRecord = (line: string): AuditRecord | null => {
  const match = head.exec(line)
  if (match === null) return null
  const [whole, node = '', type = '', seconds = '', milliseconds = '', serial = ''] = match
  const atMs = Number(seconds) * 1000 + Number(milliseconds)
  return { type, eventId: `${node} ${seconds}.${milliseconds}:${serial}`, atMs, fields: fieldsOf(line, whole.length) }
}

const hex = /^(?:[0-9A-Fa-f]{2})+$/

/** Bytes of a value that may be text of a user: in quotes as it is, otherwise hex. */
export const bytesOf = (value: string): Buffer => {
  if (value.startsWith('"'))
    return Buffer.from(value.slice(1, value.endsWith('"') && value.length > 1 ? -1 : undefined))
  return hex.test(value) ? Buffer.from(value, 'hex') : Buffer.from(value)
}

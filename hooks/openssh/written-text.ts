import { isUtf8 } from 'node:buffer'

const escaped = /\\(\\|[0-7]{3})?/g
const unprintable = /\p{C}/u

/**
 * What somebody typed: sshd writes a backslash twice and what is no printable ASCII in octal digits (log.c, strnvis(3)
 * with VIS_CSTYLE and VIS_OCTAL). What could not be shown stays as it was written: control characters, other encodings.
 */
export const asTyped = (written: string): string => {
  if (!written.includes('\\')) return written
  let isPlain = true
  const latin1 = Buffer.from(written).toString('latin1')
  const typed = latin1.replace(escaped, (_all, code?: string) => {
    if (code === undefined) isPlain = false
    return code === '\\' ? code : String.fromCharCode(Number.parseInt(code ?? '0', 8) & 255)
  })
  const bytes = Buffer.from(typed, 'latin1')
  const text = isPlain && isUtf8(bytes) ? bytes.toString('utf8') : written
  return unprintable.test(text) ? written : text
}

import { canonicalIp } from '#services/connection-id.ts'
import { cutFrom } from './peer.ts'

/** What an sftp server (`-l INFO` or more) says of files. */
export type SftpFact =
  | { type: 'sftpOpened'; user: string; ip: string | null }
  | { type: 'sftpClosed' }
  | { type: 'fileOpened'; path: string; writes: boolean }
  | { type: 'fileClosed'; path: string; readBytes: number; writtenBytes: number }
  /** The path is so long that sshd's line ends before its counts. */
  | { type: 'fileClosedUncounted'; path: string }

const count = (text: string): number =>
  /^[0-9]{1,20}$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : -1

/** `session opened for local user U from [IP]` */
const readOpened = (text: string): SftpFact | null => {
  const from = text.lastIndexOf(' from [')
  const start = 'session opened for local user '.length
  if (from < start || !text.endsWith(']')) return null
  return { type: 'sftpOpened', user: text.slice(start, from), ip: canonicalIp(text.slice(from + 7, -1)) }
}

/** `open "PATH" flags A,B mode 0644`: the path is free text, so its end is the last one that fits. */
const readOpen = (text: string): SftpFact | null => {
  const flags = text.lastIndexOf('" flags ')
  if (flags < 6) return null
  const words = text.slice(flags + 8).split(' ', 1)[0] ?? ''
  return { type: 'fileOpened', path: text.slice(6, flags), writes: /WRITE|APPEND/.test(words.slice(0, 100)) }
}

/** `close "PATH" bytes read N written M` */
const readClose = (text: string, start: number): SftpFact | null => {
  const uncounted: SftpFact = { type: 'fileClosedUncounted', path: text.slice(start) }
  if (text.length >= cutFrom) return uncounted
  const bytes = text.lastIndexOf('" bytes read ')
  const written = text.indexOf(' written ', bytes)
  if (bytes < start || written < 0) return null
  const readBytes = count(text.slice(bytes + 13, written))
  const writtenBytes = count(text.slice(written + 9))
  if (readBytes < 0 || writtenBytes < 0) return null
  return { type: 'fileClosed', path: text.slice(start, bytes), readBytes, writtenBytes }
}

export const readSftp = (text: string): SftpFact | null => {
  if (text.startsWith('close "')) return readClose(text, 7)
  if (text.startsWith('open "')) return readOpen(text)
  if (text.startsWith('forced close "')) return readClose(text, 14) // the connection broke
  if (text.startsWith('session opened for local user ')) return readOpened(text)
  if (text.startsWith('session closed for local user ')) return { type: 'sftpClosed' }
  return null
}

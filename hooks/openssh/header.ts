/** What stands before sshd's own words, in the forms that files, sockets and journals write it. */
export type Header = {
  /** Unix ms, or the text of a time. */
  time: number | string
  host: string
  program: string
  /** '' where none is written. */
  pid: string
  message: string
  /** false: the journal proves that an unprivileged process wrote it, which can never tell of a login. */
  privileged: boolean
  /** Says only how often the line before, of whatever program, came again. */
  repeats?: number
  /** What names the entry where its line is not written the same way each time. */
  entry?: string
}

const programs = new Set(['sshd', 'sshd-session', 'sshd-auth', 'internal-sftp', 'sftp-server', 'sudo', 'su', 'login'])
/** PAM modules log as `sshd(pam_google_authenticator)`. */
const isOurs = (program: string): boolean => program === 'sshd' || programs.has(program) || program.startsWith('sshd(')
const startsOurs = (line: string, at: number): boolean =>
  line.startsWith('sshd', at) ||
  line.startsWith('su', at) ||
  line.startsWith('login', at) ||
  line.startsWith('internal-sftp', at) ||
  line.startsWith('sftp-server', at)

const maxTagLength = 64
const byteOrderMark = 0xfeff // RFC 5424, 6.4: behind a space
const maxStampLength = 40
const yearlessLength = 'Nov 21 09:00:00'.length

const isDigit = (code: number): boolean => code >= 48 && code <= 57
const maxPidDigits = 10
const digits = (line: string, start: number, end: number): boolean => {
  if (end <= start || end - start > maxPidDigits) return false
  for (let at = start; at < end; at++) if (!isDigit(line.charCodeAt(at))) return false
  return true
}

/** Behind `<PRI>`, or 0; -1: it is none. */
const behindPriority = (line: string): number => {
  if (line.charCodeAt(0) !== 60) return 0
  const end = line.indexOf('>')
  return end >= 2 && end <= 4 ? end + 1 : -1
}

const body = (line: string, at: number): string => {
  let start = at
  for (let code = line.charCodeAt(start); code === 32 || code === byteOrderMark; code = line.charCodeAt(start))
    start += 1
  return line.slice(start)
}

/** `sshd[12]: words` */
const readTagged = (line: string, at: number, time: string, host: string): Header | null => {
  let end = at
  for (; end < line.length && end - at <= maxTagLength; end++) {
    const code = line.charCodeAt(end)
    if (code === 91 || code === 58 || code === 32) break
  }
  const program = line.slice(at, end)
  if (!isOurs(program)) return null
  let pid = ''
  let rest = end
  if (line.charCodeAt(end) === 91) {
    const close = line.indexOf(']', end)
    if (close < 0 || !digits(line, end + 1, close)) return null
    pid = line.slice(end + 1, close)
    rest = close + 1
  }
  if (line.charCodeAt(rest) !== 58) return null
  return { time, host, program, pid, message: body(line, rest + 1), privileged: true }
}

/** `app procid msgid sd msg`; sd-params may hold spaces and escaped quotes. */
const readStructured = (line: string, at: number, time: string, host: string): Header | null => {
  const appEnd = line.indexOf(' ', at)
  const pidEnd = appEnd < 0 ? -1 : line.indexOf(' ', appEnd + 1)
  const idEnd = pidEnd < 0 ? -1 : line.indexOf(' ', pidEnd + 1)
  if (idEnd < 0) return null
  const program = line.slice(at, appEnd)
  if (!isOurs(program)) return null
  const sdEnd = structuredEnd(line, idEnd + 1)
  if (sdEnd < 0) return null
  const pid = digits(line, appEnd + 1, pidEnd) ? line.slice(appEnd + 1, pidEnd) : ''
  return { time, host, program, pid, message: body(line, sdEnd), privileged: true }
}

const structuredEnd = (line: string, at: number): number => {
  if (line.charCodeAt(at) === 45) return at + 1
  if (line.charCodeAt(at) !== 91) return -1
  let quoted = false
  for (let index = at; index < line.length; index++) {
    const code = line.charCodeAt(index)
    if (quoted && code === 92) index += 1
    else if (code === 34) quoted = !quoted
    else if (!quoted && code === 93 && line.charCodeAt(index + 1) !== 91) return index + 1
  }
  return -1
}

/** busybox writes `host auth.info sshd[12]: words`. */
const behindFacility = (line: string, at: number): number => {
  if (!line.startsWith('auth.', at) && !line.startsWith('authpriv.', at)) return at
  const end = line.indexOf(' ', at)
  return end < 0 || end - at > maxTagLength ? at : end + 1
}

const repeatedWords = 'last message repeated '

/** `last message repeated N times`, as syslogds before rsyslog write it. */
const readRepeats = (line: string, at: number, time: string, host: string): Header | null => {
  const end = line.indexOf(' ', at + repeatedWords.length)
  if (!digits(line, at + repeatedWords.length, end) || line.length !== end + 6 || !line.endsWith(' times')) return null
  const repeats = Number(line.slice(at + repeatedWords.length, end))
  return { time, host, program: '', pid: '', message: '', privileged: false, repeats }
}

/** Of a line that is not JSON. Lines of other programs cost a look at their tag. */
export const readTextHeader = (line: string): Header | null => {
  let at = behindPriority(line)
  if (at < 0) return null
  const structured = at > 0 && line.startsWith('1 ', at)
  if (structured) at += 2
  const stampEnd = structured || isDigit(line.charCodeAt(at)) ? line.indexOf(' ', at) : at + yearlessLength
  if (stampEnd <= at || stampEnd - at > maxStampLength || line.charCodeAt(stampEnd) !== 32) return null
  const named = stampEnd + 1
  // Without a host, as syslog(3) writes to a local socket.
  if (!structured && startsOurs(line, named)) {
    const header = readTagged(line, named, line.slice(at, stampEnd), '')
    if (header) return header
  }
  const hostEnd = line.indexOf(' ', named)
  if (hostEnd < 0 || hostEnd - named > 255) return null
  const tag = structured ? hostEnd + 1 : behindFacility(line, hostEnd + 1)
  if (!startsOurs(line, tag)) {
    if (structured || !line.startsWith(repeatedWords, tag)) return null
    return readRepeats(line, tag, line.slice(at, stampEnd), line.slice(named, hostEnd))
  }
  const read = structured ? readStructured : readTagged
  return read(line, tag, line.slice(at, stampEnd), line.slice(named, hostEnd))
}

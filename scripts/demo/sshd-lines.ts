import { bastion, bastionIp } from './team.ts'

/** What sshd (9.2, LogLevel VERBOSE) and its sftp server write about a connection. */
export type Connection = { user: string; uid: number; ip: string; port: number; pid: number; fingerprint: string }

const line = (atMs: number, process: string, pid: number, text: string): string =>
  `${new Date(atMs).toISOString().replace('Z', '000+00:00')} ${bastion} ${process}[${pid}]: ${text}\n`

const from = ({ ip, port }: Connection): string => `from ${ip} port ${port}`

const opened = (connection: Connection, atMs: number, accepted: string): string => {
  const { user, uid, ip, port, pid } = connection
  return [
    line(atMs - 300, 'sshd', pid, `Connection from ${ip} port ${port} on ${bastionIp} port 22 rdomain ""`),
    line(atMs, 'sshd', pid, `Accepted ${accepted}`),
    line(atMs + 10, 'sshd', pid, `pam_unix(sshd:session): session opened for user ${user}(uid=${uid}) by (uid=0)`),
    line(atMs + 20, 'sshd', pid, `User child is on pid ${pid + 1}`),
  ].join('')
}
export const loginByKey = (connection: Connection, atMs: number): string =>
  opened(
    connection,
    atMs,
    `publickey for ${connection.user} ${from(connection)} ssh2: ED25519 ${connection.fingerprint}`,
  )
export const loginByPassword = (connection: Connection, atMs: number): string =>
  opened(connection, atMs, `password for ${connection.user} ${from(connection)} ssh2`)

export const sessionStart = (
  connection: Connection,
  atMs: number,
  what: 'shell on pts/3' | "subsystem 'sftp'",
): string =>
  line(atMs, 'sshd', connection.pid + 1, `Starting session: ${what} for ${connection.user} ${from(connection)} id 0`)

export const connectionEnd = (connection: Connection, atMs: number, hadSession = true): string => {
  const { user, ip, port, pid } = connection
  return [
    hadSession ? line(atMs, 'sshd', pid + 1, `Close session: user ${user} ${from(connection)} id 0`) : '',
    line(atMs + 1, 'sshd', pid + 1, `Received disconnect ${from(connection)}:11: disconnected by user`),
    line(atMs + 2, 'sshd', pid + 1, `Disconnected from user ${user} ${ip} port ${port}`),
    line(atMs + 10, 'sshd', pid, `pam_unix(sshd:session): session closed for user ${user}`),
  ].join('')
}

export const failure = (connection: Connection, atMs: number, isKnown = true): string => {
  const { user, ip, port, pid } = connection
  return [
    line(atMs - 100, 'sshd', pid, `Connection from ${ip} port ${port} on ${bastionIp} port 22 rdomain ""`),
    isKnown ? '' : line(atMs - 50, 'sshd', pid, `Invalid user ${user} ${from(connection)}`),
    line(atMs, 'sshd', pid, `Failed password for ${isKnown ? '' : 'invalid user '}${user} ${from(connection)} ssh2`),
    line(
      atMs + 100,
      'sshd',
      pid,
      `Connection closed by ${isKnown ? 'authenticating' : 'invalid'} user ${user} ${ip} port ${port} [preauth]`,
    ),
  ].join('')
}

/** Files fetched by sftp, evenly over some time. */
export const filesFetched = (
  connection: Connection,
  atMs: number,
  files: { path: string; sizeBytes: number }[],
  everyMs: number,
): string => {
  const { user, ip, pid } = connection
  const sftp = pid + 2
  return [
    line(atMs, 'internal-sftp', sftp, `session opened for local user ${user} from [${ip}]`),
    ...files.flatMap(({ path, sizeBytes }, n) => [
      line(atMs + n * everyMs + 1, 'internal-sftp', sftp, `open "${path}" flags READ mode 0666`),
      line(atMs + n * everyMs + 2, 'internal-sftp', sftp, `close "${path}" bytes read ${sizeBytes} written 0`),
    ]),
    line(
      atMs + files.length * everyMs + 3,
      'internal-sftp',
      sftp,
      `session closed for local user ${user} from [${ip}]`,
    ),
  ].join('')
}

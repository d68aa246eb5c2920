import { appendFile } from 'node:fs/promises'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'
import type { Attempts, Day, Visit } from './plan.ts'
import { typeShell } from './shell.ts'
import {
  type Connection,
  connectionEnd,
  failure,
  filesFetched,
  loginByKey,
  loginByPassword,
  sessionStart,
} from './sshd-lines.ts'
import { bastion, bastionIp, team } from './team.ts'

type Connect = (user: string, ip: string) => Connection

/** What sshd writes until the session starts, and from its end on; `after` is told how long it took. */
export const linesOf = (visit: Visit, connect: Connect) => {
  const { member, atMs, ip, by, failuresBefore, what, files } = visit
  const failures = Array.from({ length: failuresBefore }, (_, n) =>
    failure(connect(member.user, ip), atMs - (failuresBefore - n) * 7_000),
  )
  const connection = connect(member.user, ip)
  const startMs = atMs + 350
  const login = (by === 'key' ? loginByKey : loginByPassword)(connection, atMs)
  const start = sessionStart(connection, startMs - 50, what === 'sftp' ? "subsystem 'sftp'" : 'shell on pts/3')
  if (what === 'tunnel')
    return {
      connection,
      startMs,
      before: [...failures, login].join(''),
      after: () => connectionEnd(connection, atMs + 600_000, false),
    }
  const fetched = files.length > 0 ? filesFetched(connection, startMs + 500, files, 900) : ''
  return {
    connection,
    startMs,
    before: [...failures, login, start].join(''),
    after: (durationMs: number) =>
      fetched + connectionEnd(connection, startMs + Math.max(durationMs, files.length * 900) + 2_000),
  }
}

/** Ports and process ids that no two connections share; `count`: how many had theirs before. */
export const createConnect = (count = 0): Connect => {
  return (user, ip) => {
    count++
    const { uid, fingerprint } = team.find((one) => one.user === user) ?? { uid: 0, fingerprint: 'SHA256:none' }
    return { user, uid, ip, port: 20_000 + (count % 40_000), pid: 1_000 + ((count * 4) % 4_000_000), fingerprint }
  }
}

export type Feeder = { day(day: Day): Promise<{ logins: number }> }

const commitLimitMs = 60_000

/** Plays days to a running instance: lines into the log it follows, sessions into its sudo port. */
export const createFeeder = (options: { sudoPort: number; logFile: string; connect?: Connect }): Feeder => {
  const { sudoPort, logFile, connect = createConnect() } = options
  const write = (text: string): Promise<void> => appendFile(logFile, text)

  const record = async (
    { member, steps, files, what }: Visit,
    connection: Connection,
    startMs: number,
  ): Promise<number> => {
    const client = await connectSudoClient(sudoPort)
    await client.greeted()
    const isShell = what === 'shell'
    const submitTime = { tvSec: BigInt(Math.floor(startMs / 1000)), tvNsec: (startMs % 1000) * 1_000_000 }
    client.accept(
      loginInfos({
        submituser: member.user,
        runuser: member.user,
        runuid: member.uid,
        submithost: bastion,
        submitcwd: `/home/${member.user}`,
        command: isShell ? '/bin/bash' : '/usr/lib/openssh/sftp-server',
        runargv: isShell ? ['-bash'] : ['/usr/lib/openssh/sftp-server'],
        ttyname: isShell ? '/dev/pts/3' : null,
        runenv: [
          'TERM=xterm-256color',
          `SSH_CONNECTION=${connection.ip} ${connection.port} ${bastionIp} 22`,
          ...(isShell ? ['SSH_TTY=/dev/pts/3'] : []),
        ],
      }),
      { submitTime },
    )
    if (isShell) await typeShell(client, member.user, `${member.user}@${member.host}:~$ `, steps)
    else client.io('stdoutBuf', Buffer.alloc(2_000), BigInt(files.length) * 1_000_000_000n)
    client.exit()
    await client.committed(commitLimitMs)
    client.finishTalking()
    return Number(client.elapsedNs / 1_000_000n)
  }

  const come = async (visit: Visit): Promise<void> => {
    const { before, after, connection, startMs } = linesOf(visit, connect)
    await write(before)
    await write(after(visit.what === 'tunnel' ? 0 : await record(visit, connection, startMs)))
  }
  const tryIn = async ({ user, ip, atMs, count: times, everyMs, isKnown }: Attempts): Promise<void> => {
    const lines = Array.from({ length: times }, (_, n) => failure(connect(user, ip), atMs + n * everyMs, isKnown))
    await write(lines.join(''))
  }

  return {
    day: async ({ visits, attempts }) => {
      for (const one of attempts) await tryIn(one)
      // Each person's visits one after another, as they were; the people side by side.
      await Promise.all(
        [...new Set(visits.map(({ member }) => member.user))].map(async (user) => {
          const own = visits.filter(({ member }) => member.user === user).sort((a, b) => a.atMs - b.atMs)
          for (const one of own) await come(one)
        }),
      )
      return { logins: visits.length }
    },
  }
}

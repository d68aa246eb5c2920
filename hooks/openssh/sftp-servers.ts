import type { SftpServer, SftpStart, SshdLogState } from './state.ts'

/** sftp servers and the sessions they may belong to; bounded. */

const maxStarts = 256
const maxServers = 1024
const maxOpenFiles = 64
const startLimitMs = 60_000

export const createSftpServers = (snapshot: Pick<SshdLogState, 'sftpServers' | 'sftpStarts'>) => {
  const servers = new Map(snapshot.sftpServers.map((server) => [server.key, structuredClone(server)]))
  const starts = structuredClone(snapshot.sftpStarts)

  /** The first session of this user and address that no server has claimed; one that asked for sftp before any other. */
  const claim = (host: string, user: string, ip: string | null, nowMs: number): SftpStart | null => {
    const fits = starts.filter(
      (start) =>
        start.host === host && start.user === user && start.ip === ip && Math.abs(nowMs - start.atMs) <= startLimitMs,
    )
    const found = fits.find(({ subsystem }) => subsystem) ?? fits.at(-1)
    if (found) starts.splice(starts.indexOf(found), 1)
    return found ?? null
  }

  return {
    /** A session without a terminal has started. */
    started: (start: SftpStart): void => {
      starts.push(start)
      if (starts.length > maxStarts) starts.shift()
    },
    opened: (key: string, host: string, user: string, ip: string | null, nowMs: number): void => {
      const start = claim(host, user, ip, nowMs)
      servers.delete(key)
      servers.set(key, {
        key,
        user,
        ip,
        port: start?.port ?? null,
        connectionId: start?.connectionId ?? null,
        open: [],
      })
      if (servers.size > maxServers) servers.delete(servers.keys().next().value ?? '')
    },
    of: (key: string): SftpServer | undefined => servers.get(key),
    closed: (key: string): void => void servers.delete(key),
    fileOpened: (server: SftpServer, path: string, writes: boolean): void => {
      server.open.push([path.slice(0, 1024), writes])
      if (server.open.length > maxOpenFiles) server.open.shift()
    },
    /** Whether it was open for writing; null: not known. */
    fileClosed: (server: SftpServer, path: string): boolean | null => {
      const at = server.open.findLastIndex(([open]) => open === path.slice(0, 1024))
      return at < 0 ? null : (server.open.splice(at, 1)[0]?.[1] ?? null)
    },
    snapshot: (): Pick<SshdLogState, 'sftpServers' | 'sftpStarts'> => ({
      sftpServers: structuredClone([...servers.values()]),
      sftpStarts: structuredClone(starts),
    }),
  }
}
export type SftpServers = ReturnType<typeof createSftpServers>

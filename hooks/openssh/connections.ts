import type { Connection } from './state.ts'

/** The connections that lines may still speak of, by process and by address; bounded. */

const maxPreauth = 1024
const maxAuthenticated = 4096
const maxPids = 8
const minuteMs = 60_000
const preauthLimitMs = 10 * minuteMs // LoginGraceTime is 2 minutes
const authenticatedLimitMs = 30 * 24 * 60 * minuteMs

const addressKey = (host: string, ip: string | null, port: number | null): string | null =>
  ip === null || port === null ? null : `${host} ${ip} ${port}`

export const createConnections = (snapshot: Connection[]) => {
  const byPid = new Map<string, Connection>()
  const byAddress = new Map<string, Connection>()
  const preauth = new Set<Connection>() // longest untouched first
  const authenticated = new Set<Connection>()
  // Most lines speak of the connection of the line before.
  let newest: Connection | null = null
  let newestGroup: Set<Connection> | null = null

  const groupOf = ({ acceptedMs }: Connection): Set<Connection> => (acceptedMs === null ? preauth : authenticated)

  const index = (connection: Connection): void => {
    const key = addressKey(connection.host, connection.ip, connection.port)
    if (key !== null) byAddress.set(key, connection)
  }

  const remove = (connection: Connection): void => {
    preauth.delete(connection)
    authenticated.delete(connection)
    if (newest === connection) newest = null
    for (const pid of connection.pids) if (byPid.get(pid) === connection) byPid.delete(pid)
    const key = addressKey(connection.host, connection.ip, connection.port)
    if (key !== null && byAddress.get(key) === connection) byAddress.delete(key)
  }

  const append = (connection: Connection): void => {
    preauth.delete(connection)
    authenticated.delete(connection)
    groupOf(connection).add(connection)
    newest = connection
    newestGroup = groupOf(connection)
  }

  const touch = (connection: Connection, nowMs: number): void => {
    connection.lastMs = nowMs
    if (newest !== connection || newestGroup !== groupOf(connection)) append(connection)
  }

  const addPid = (connection: Connection, pid: string): void => {
    const before = byPid.get(pid)
    if (pid === '' || before === connection) return
    if (before) before.pids.splice(before.pids.indexOf(pid), 1)
    byPid.set(pid, connection)
    connection.pids.push(pid)
    if (connection.pids.length > maxPids) byPid.delete(connection.pids.shift() ?? '')
  }

  const add = (connection: Connection): void => {
    append(connection)
    for (const pid of connection.pids) byPid.set(pid, connection)
    index(connection)
  }

  const overdue = (group: Set<Connection>, max: number, limitMs: number, nowMs: number): Connection | undefined => {
    const oldest = group.values().next().value
    return oldest && (group.size > max || oldest.lastMs < nowMs - limitMs) ? oldest : undefined
  }

  for (const connection of snapshot) add(structuredClone(connection))
  return {
    ofPid: (pid: string): Connection | undefined => byPid.get(pid),
    ofAddress: (host: string, ip: string | null | undefined, port: number | null): Connection | undefined =>
      byAddress.get(addressKey(host, ip ?? null, port) ?? ''),
    add,
    addPid,
    index,
    touch,
    remove,
    /** Whether a user who logged in is still there. */
    isIn: (host: string, user: string): boolean => {
      for (const connection of authenticated) if (connection.host === host && connection.user === user) return true
      return false
    },
    /** One that is beyond the bounds of number or time: the caller removes it. */
    overdue: (nowMs: number): Connection | undefined =>
      overdue(preauth, maxPreauth, preauthLimitMs, nowMs) ??
      overdue(authenticated, maxAuthenticated, authenticatedLimitMs, nowMs),
    /** Those of which something was announced, and that said nothing since. */
    quiet: (nowMs: number): Connection[] =>
      [...preauth, ...authenticated].filter(
        ({ pending, ending, lastMs }) => (pending !== null || ending !== null) && lastMs < nowMs - preauthLimitMs,
      ),
    snapshot: (): Connection[] => [...preauth, ...authenticated].map((connection) => structuredClone(connection)),
  }
}
export type Connections = ReturnType<typeof createConnections>

export const newConnection = (host: string, ip: string | null, port: number | null, nowMs: number): Connection => ({
  host,
  ip,
  port,
  connectionId: null,
  verbose: false,
  user: null,
  acceptedMs: null,
  lastMs: nowMs,
  pids: [],
  channels: 0,
  failures: 0,
  partial: false,
  partialKey: null,
  keyRefused: false,
  prompted: false,
  turnedAway: null,
  clientVersion: null,
  outBytes: 0,
  inBytes: 0,
  reason: null,
  pending: null,
  ending: null,
})

import { readFile } from 'node:fs/promises'

export type Ports = { local: number; remote: number }

const tables = ['/proc/net/tcp', '/proc/net/tcp6']
const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')

/**
 * How many bytes of a connection the other side's kernel has not acknowledged (proc(5): tx_queue). Null where it is
 * not shown: on other systems than Linux, and after the connection was reset.
 */
export const unacknowledgedBytes = async ({ local, remote }: Ports): Promise<number | null> => {
  const row = new RegExp(`:${hex(local)} [0-9A-F]+:${hex(remote)} [0-9A-F]{2} ([0-9A-F]+):`)
  for (const table of tables) {
    const queued = row.exec(await readFile(table, 'latin1').catch(() => ''))?.[1]
    if (queued !== undefined) return Number.parseInt(queued, 16)
  }
  return null
}

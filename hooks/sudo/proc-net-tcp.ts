import { open } from 'node:fs/promises'
import { isIP, isIPv4 } from 'node:net'
import { endianness } from 'node:os'

/** One end of a TCP connection. */
export type Endpoint = { address: string; port: number }
export type TcpRow = { state: string; uid: number; inode: number }

const hex = (bytes: readonly number[]): string => Buffer.from(bytes).toString('hex').toUpperCase()

// The kernel prints addresses as 32-bit words in the byte order of the machine (proc(5), /proc/net/tcp).
const word = (bytes: readonly number[]): string => hex(endianness() === 'LE' ? [...bytes].reverse() : bytes)

const v4Bytes = (address: string): number[] => address.split('.').map(Number)

const v6Bytes = (address: string): number[] => {
  const v4 = /:([0-9.]+)$/.exec(address)?.[1]
  const tail = v4?.includes('.') ? v4Bytes(v4) : []
  const text = tail.length > 0 ? address.slice(0, address.lastIndexOf(':') + 1) : address
  const groups = (part: string): number[] =>
    part
      .split(':')
      .flatMap((group) => (group === '' ? [] : [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]))
  const [before = '', after = ''] = text.split('::')
  const head = groups(before)
  const rest = [...groups(after), ...tail]
  return [...head, ...new Array<number>(Math.max(0, 16 - head.length - rest.length)).fill(0), ...rest]
}

const mapped = (v4: string): number[] => [...new Array<number>(10).fill(0), 0xff, 0xff, ...v4Bytes(v4)]
const words6 = (bytes: readonly number[]): string => [0, 4, 8, 12].map((at) => word(bytes.slice(at, at + 4))).join('')
const portHex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')

/** The address columns as the kernel prints them, per file: a v4 connection stands in tcp6 when its socket is of v6. */
export const addressColumns = (local: Endpoint, remote: Endpoint): { tcp: string | null; tcp6: string } | null => {
  const plain = [local, remote].map(({ address }) => address.toLowerCase().replace(/^::ffff:(?=[0-9]+\.)/, ''))
  if (plain.some((address) => isIP(address) === 0 || address.includes('%'))) return null
  const ports = [portHex(local.port), portHex(remote.port)]
  const columns = (encode: (address: string) => string): string =>
    plain.map((address, index) => `${encode(address)}:${ports[index]}`).join(' ')
  if (plain.every((address) => isIPv4(address))) {
    return { tcp: columns((address) => word(v4Bytes(address))), tcp6: columns((address) => words6(mapped(address))) }
  }
  return { tcp: null, tcp6: columns((address) => words6(isIPv4(address) ? mapped(address) : v6Bytes(address))) }
}

/** `rest`: the columns after the two addresses: st tx:rx tr:when retrnsmt uid timeout inode … */
export const parseRow = (rest: string): TcpRow | null => {
  const [state, , , , uid, , inode] = rest.trim().split(/ +/, 8)
  if (state === undefined || !/^[0-9]+$/.test(uid ?? '') || !/^[0-9]+$/.test(inode ?? '')) return null
  return { state, uid: Number(uid), inode: Number(inode) }
}

const chunkBytes = 64 * 1024
const longestRow = 256

/** Takes from `wanted` what a line of the table is about. */
const readLine = (line: string, columnsLength: number, wanted: Set<string>, found: Map<string, TcpRow>): void => {
  const from = line.indexOf(': ') + 2
  const columns = line.slice(from, from + columnsLength)
  if (from === 1 || !wanted.delete(columns)) return
  const row = parseRow(line.slice(from + columnsLength))
  if (row) found.set(columns, row)
}

/**
 * The rows of these columns, all of one length. Reads the table in pieces and stops when it has all; one with many
 * thousand sockets is never held whole.
 */
export const findRows = async (file: string, columns: Iterable<string>): Promise<Map<string, TcpRow>> => {
  const wanted = new Set(columns)
  const columnsLength = [...wanted][0]?.length ?? 0
  const found = new Map<string, TcpRow>()
  const handle = await open(file, 'r')
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes)
    let rest = ''
    while (wanted.size > 0) {
      const { bytesRead } = await handle.read(buffer, 0, chunkBytes, null)
      if (bytesRead === 0) break
      const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n')
      rest = lines.pop()!.slice(0, longestRow)
      for (const line of lines) readLine(line, columnsLength, wanted, found)
    }
    return found
  } finally {
    await handle.close()
  }
}

export const findRow = async (file: string, columns: string): Promise<TcpRow | null> =>
  (await findRows(file, [columns])).get(columns) ?? null

/** One reading of a table is for all who asked before it began. */
export const createRowFinder = (file: string): ((columns: string) => Promise<TcpRow | null>) => {
  let waiting = new Map<string, PromiseWithResolvers<TcpRow | null>>()
  let isReading = false

  const readAll = async (): Promise<void> => {
    isReading = true
    while (waiting.size > 0) {
      const asked = waiting
      waiting = new Map()
      try {
        const rows = await findRows(file, asked.keys())
        for (const [columns, { resolve }] of asked) resolve(rows.get(columns) ?? null)
      } catch (error) {
        for (const { reject } of asked.values()) reject(error)
      }
    }
    isReading = false
  }
  return (columns) => {
    const known = waiting.get(columns)
    if (known) return known.promise
    const asked = Promise.withResolvers<TcpRow | null>()
    waiting.set(columns, asked)
    if (!isReading) void readAll()
    return asked.promise
  }
}

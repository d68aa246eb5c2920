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

/** Reads the table in pieces and stops at the row; one with many thousand sockets is never held whole. */
export const findRow = async (file: string, columns: string): Promise<TcpRow | null> => {
  const handle = await open(file, 'r')
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes + longestRow)
    let kept = 0
    for (;;) {
      const { bytesRead } = await handle.read(buffer, kept, chunkBytes, null)
      const text = buffer.subarray(0, kept + bytesRead)
      const at = text.indexOf(` ${columns} `, 0, 'latin1')
      const end = at === -1 ? -1 : text.indexOf(10, at)
      if (end !== -1) return parseRow(text.toString('latin1', at + columns.length + 2, end))
      if (bytesRead === 0) return null
      kept = Math.min(longestRow, text.length)
      buffer.copyWithin(0, text.length - kept, text.length)
    }
  } finally {
    await handle.close()
  }
}

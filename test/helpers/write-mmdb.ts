/** Writes small MaxMind DB files, by the format's specification 2.0: a tree of 24-bit records over IPv6. */

type Value = string | number | { double: number } | { [key: string]: Value }
export type MmdbEntry = { bits: string; value: { [key: string]: Value } }

const control = (type: number, size: number): Buffer => {
  if (size >= 285) throw new Error('too large for this writer')
  const [low, more] = size < 29 ? [size, []] : [29, [size - 29]]
  return type <= 7 ? Buffer.from([(type << 5) | low, ...more]) : Buffer.from([low, type - 7, ...more])
}

const encode = (value: Value): Buffer => {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(6, 4), bytes])
  }
  if (typeof value.double === 'number') {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value.double)
    return Buffer.concat([control(3, 8), bytes])
  }
  const entries = Object.entries(value as { [key: string]: Value })
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([key, one]) => [encode(key), encode(one)])])
}

/** The bits of an IPv4 network, as they stand in an IPv6 tree. */
export const bitsOf4 = (cidr: string): string => {
  const [address, prefix] = cidr.split('/') as [string, string]
  const bits = address.split('.').map((byte) => Number(byte).toString(2).padStart(8, '0'))
  return '0'.repeat(96) + bits.join('').slice(0, Number(prefix))
}

type Node = [Node | number | null, Node | number | null] // a number: which value

const treeOf = (entries: readonly MmdbEntry[]): Node => {
  const root: Node = [null, null]
  entries.forEach(({ bits }, number) => {
    let node = root
    for (const bit of bits.slice(0, -1)) {
      const side = Number(bit) as 0 | 1
      const next = node[side]
      if (Array.isArray(next)) node = next
      else node = node[side] = [null, null]
    }
    node[Number(bits.at(-1)) as 0 | 1] = number
  })
  return root
}

export const writeMmdb = (type: string, entries: readonly MmdbEntry[]): Buffer => {
  const nodes: Node[] = [treeOf(entries)]
  for (let n = 0; n < nodes.length; n++) for (const side of nodes[n]!) if (Array.isArray(side)) nodes.push(side)
  const places = new Map(nodes.map((node, place) => [node, place]))
  const values = entries.map(({ value }) => encode(value))
  const offsets = values.map((_, n) => values.slice(0, n).reduce((sum, { byteLength }) => sum + byteLength, 0))
  const tree = Buffer.alloc(nodes.length * 6)
  nodes.forEach((node, n) => {
    node.forEach((side, which) => {
      const record = Array.isArray(side) ? places.get(side)! : nodes.length + (side === null ? 0 : 16 + offsets[side]!)
      tree.writeUIntBE(record, n * 6 + which * 3, 3)
    })
  })
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: type,
    ip_version: 6,
    node_count: nodes.length,
    record_size: 24,
  })
  return Buffer.concat([tree, Buffer.alloc(16), ...values, Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'), metadata])
}

import { createHash } from 'node:crypto'

/** Merkle trees of RFC 6962: which subtrees a root or a proof consists of, and whether a proof holds. Sizes: up to 2^53 - 1. */

export const hashBytes = 32

/** RFC 6962, 2.1: a leaf can never be taken for a node. */
export const leafHash = (entry: Uint8Array): Buffer => createHash('sha256').update('\0').update(entry).digest()
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash('sha256').update('\x01').update(left).update(right).digest()
export const emptyRoot = (): Buffer => createHash('sha256').digest()

/** The perfect subtree over leaves `index * 2^level` to `(index + 1) * 2^level - 1`. */
export type Node = { level: number; index: number }
/** Leaves `from` to `to - 1`. */
export type Range = { from: number; to: number }

/** The largest power of two, as an exponent, that is at most `count`. */
const exponentWithin = (count: number): number => {
  let level = 0
  while (2 ** (level + 1) <= count) level++
  return level
}

/** The perfect subtrees that a range of a proof consists of, largest first. `from` is a multiple of the largest. */
const nodesOf = ({ from, to }: Range): Node[] => {
  const nodes: Node[] = []
  for (let at = from; at < to; ) {
    const level = exponentWithin(to - at)
    nodes.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return nodes
}

export type HashOf = (node: Node) => Promise<Uint8Array>

export const rangeHash = async (range: Range, hashOf: HashOf): Promise<Uint8Array> => {
  const hashes = await Promise.all(nodesOf(range).map(hashOf))
  return hashes.length === 0 ? emptyRoot() : hashes.reduceRight((right, left) => nodeHash(left, right))
}

/** Where a tree over more than one leaf is cut: the largest power of two below its size. */
const cutOf = ({ from, to }: Range): number => from + 2 ** exponentWithin(to - from - 1)

/** RFC 6962, 2.1.1: PATH(index, D[from:to]). */
const pathTo = (index: number, range: Range): Range[] => {
  if (range.to - range.from <= 1) return []
  const cut = cutOf(range)
  const [left, right] = [
    { from: range.from, to: cut },
    { from: cut, to: range.to },
  ]
  return index < cut ? [...pathTo(index, left), right] : [...pathTo(index, right), left]
}

/** RFC 6962, 2.1.2: SUBPROOF(size, D[from:to], isKnown), with `size` counted from the tree's first leaf. */
const subproof = (size: number, range: Range, isKnown: boolean): Range[] => {
  if (size === range.to) return isKnown ? [] : [range]
  const cut = cutOf(range)
  const [left, right] = [
    { from: range.from, to: cut },
    { from: cut, to: range.to },
  ]
  return size <= cut ? [...subproof(size, left, isKnown), right] : [...subproof(size, right, false), left]
}

const hashesOf = (ranges: Range[], hashOf: HashOf): Promise<Uint8Array[]> =>
  Promise.all(ranges.map((range) => rangeHash(range, hashOf)))

/** That leaf `index` stands in the tree of `size` leaves. @throws RangeError */
export const proveInclusion = async (index: number, size: number, hashOf: HashOf): Promise<Uint8Array[]> => {
  if (!(index >= 0 && index < size)) throw new RangeError(`no leaf ${index} in a tree of ${size}`)
  return hashesOf(pathTo(index, { from: 0, to: size }), hashOf)
}

/** That the tree of `size` leaves begins with that of `oldSize`. @throws RangeError */
export const proveConsistency = async (oldSize: number, size: number, hashOf: HashOf): Promise<Uint8Array[]> => {
  if (!(oldSize >= 1 && oldSize <= size)) throw new RangeError(`a tree of ${size} does not continue one of ${oldSize}`)
  return hashesOf(subproof(oldSize, { from: 0, to: size }, true), hashOf)
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const half = (count: number): number => Math.floor(count / 2)
const isOdd = (count: number): boolean => count % 2 === 1

type Inclusion = { index: number; size: number; leaf: Uint8Array; root: Uint8Array; proof: readonly Uint8Array[] }

/** RFC 9162, 2.1.3.2. */
export const isIncluded = ({ index, size, leaf, root, proof }: Inclusion): boolean => {
  if (!(index >= 0 && index < size)) return false
  let [at, last, hash] = [index, size - 1, leaf]
  for (const sibling of proof) {
    if (last === 0) return false
    if (isOdd(at) || at === last) {
      hash = nodeHash(sibling, hash)
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)]
    } else hash = nodeHash(hash, sibling)
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && isSame(hash, root)
}

type Tree = { size: number; root: Uint8Array }

/** RFC 9162, 2.1.4.2. */
export const isConsistent = (older: Tree, newer: Tree, proof: readonly Uint8Array[]): boolean => {
  if (!(older.size >= 1 && older.size <= newer.size)) return false
  if (older.size === newer.size) return proof.length === 0 && isSame(older.root, newer.root)
  const path = Number.isInteger(Math.log2(older.size)) ? [older.root, ...proof] : [...proof]
  const first = path.shift()
  if (!first) return false
  let [at, last] = [older.size - 1, newer.size - 1]
  while (isOdd(at)) [at, last] = [half(at), half(last)]
  let [oldHash, newHash] = [first, first]
  for (const sibling of path) {
    if (last === 0) return false
    if (isOdd(at) || at === last) {
      oldHash = nodeHash(sibling, oldHash)
      newHash = nodeHash(sibling, newHash)
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)]
    } else newHash = nodeHash(newHash, sibling)
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && isSame(oldHash, older.root) && isSame(newHash, newer.root)
}

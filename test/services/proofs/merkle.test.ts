import test from 'ava'
import fc from 'fast-check'
import {
  isConsistent,
  isIncluded,
  leafHash,
  proveConsistency,
  proveInclusion,
  rangeHash,
} from '#services/proofs/merkle.ts'
import { entriesTo, entryOf, memoryLog, naiveRoot } from './naive-tree.ts'

const largest = 700
const entries = entriesTo(largest)
const sizes = fc.integer({ min: 1, max: largest })

/** Grown leaf by leaf, so that the partial tiles of every size stand. */
const log = memoryLog()
for (const entry of entries) log.append([entry])
const flipped = (hash: Uint8Array, at: number): Uint8Array => hash.map((byte, n) => (n === at % 32 ? byte ^ 1 : byte))

test('the root made from tiles is that of the whole tree, at every size', async (t) => {
  for (const size of [...entries.keys()].filter((n) => n < 20 || n % 64 < 2 || n % 64 === 63)) {
    const root = await rangeHash({ from: 0, to: size }, log.hashes(size))
    t.deepEqual(Buffer.from(root), Buffer.from(naiveRoot(entries.slice(0, size))), `${size}`)
  }
})

test('the hashes of a known tree are those of RFC 6962', async (t) => {
  const two = memoryLog()
  // Certificate Transparency's own test data: an empty leaf, and the root over the first two of its leaves.
  two.append([Buffer.alloc(0), Buffer.of(0)])
  const rootHex = Buffer.from(await rangeHash({ from: 0, to: 2 }, two.hashes(2))).toString('hex')
  t.is(leafHash(Buffer.alloc(0)).toString('hex'), '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
  t.is(rootHex, 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125')
})

test('every leaf of every tree can be proven, and no other leaf, place or root by the same proof', async (t) => {
  const property = fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, anyIndex, any) => {
    const index = anyIndex % size
    const hashOf = log.hashes(size)
    const [leaf, root] = [leafHash(entryOf(index)), naiveRoot(entries.slice(0, size))]
    const proof = await proveInclusion(index, size, hashOf)
    const claim = { index, size, leaf, root, proof }
    const damaged = proof.map((hash, n) => (n === any % proof.length ? flipped(hash, any) : hash))
    return (
      isIncluded(claim) &&
      !isIncluded({ ...claim, leaf: leafHash(entryOf(index + 1)) }) &&
      !isIncluded({ ...claim, root: flipped(root, any) }) &&
      !isIncluded({ ...claim, index: index === 0 ? size : index - 1 }) &&
      !isIncluded({ ...claim, proof: [...proof, root] }) &&
      (proof.length === 0 ||
        (!isIncluded({ ...claim, proof: damaged }) && !isIncluded({ ...claim, proof: proof.slice(1) })))
    )
  })
  await t.notThrowsAsync(fc.assert(property, { numRuns: 100 }))
})

test('a tree is proven to begin with each one of before, and with no other', async (t) => {
  const property = fc.asyncProperty(sizes, sizes, fc.nat(), async (a, b, any) => {
    const [oldSize, size] = [Math.min(a, b), Math.max(a, b)]
    const older = { size: oldSize, root: naiveRoot(entries.slice(0, oldSize)) }
    const newer = { size, root: naiveRoot(entries.slice(0, size)) }
    const proof = await proveConsistency(oldSize, size, log.hashes(size))
    const forked = { ...older, root: flipped(older.root, any) }
    return (
      isConsistent(older, newer, proof) &&
      !isConsistent(forked, newer, proof) &&
      !isConsistent(older, { ...newer, root: flipped(newer.root, any) }, proof) &&
      !isConsistent(older, newer, [...proof, older.root])
    )
  })
  await t.notThrowsAsync(fc.assert(property, { numRuns: 100 }))
})

test('a proof about a leaf or a tree that is not there cannot be asked for', async (t) => {
  const hashOf = log.hashes(5)
  await t.throwsAsync(async () => proveInclusion(5, 5, hashOf), { instanceOf: RangeError })
  await t.throwsAsync(async () => proveConsistency(6, 5, hashOf), { instanceOf: RangeError })
  await t.throwsAsync(async () => proveConsistency(0, 5, hashOf), { instanceOf: RangeError })
})

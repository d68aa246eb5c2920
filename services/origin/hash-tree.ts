import { hash } from 'node:crypto'

/** Leaves and nodes are hashed apart, so that none can be taken for the other (RFC 9162, 2.1). */
const leafPrefix = Buffer.from([0])
const nodePrefix = Buffer.from([1])
const digestBytes = 32
/** One step from a leaf to the root: on which side the other half stands, and its hash. */
export const stepBytes = 1 + digestBytes
const left = 0
const right = 1

export const leafHash = (text: string): Buffer =>
  hash('sha256', Buffer.concat([leafPrefix, Buffer.from(text)]), 'buffer')
const nodeHash = (a: Uint8Array, b: Uint8Array): Buffer => hash('sha256', Buffer.concat([nodePrefix, a, b]), 'buffer')

const parentsOf = (level: readonly Buffer[]): Buffer[] => {
  const parents: Buffer[] = []
  for (let at = 0; at < level.length; at += 2) {
    const other = level[at + 1]
    parents.push(other ? nodeHash(level[at]!, other) : level[at]!)
  }
  return parents
}

const stepFrom = (level: readonly Buffer[], at: number): Buffer | null => {
  const other = level[at ^ 1]
  return other ? Buffer.concat([Buffer.from([at & 1 ? left : right]), other]) : null
}

/** The root over some leaves (at least one), and the path from each leaf to it. */
export const buildTree = (leaves: readonly Buffer[]): { root: Buffer; paths: Buffer[] } => {
  const steps: Buffer[][] = leaves.map(() => [])
  let level = leaves
  for (let height = 0; level.length > 1; height++) {
    for (const [leaf, mine] of steps.entries()) {
      const step = stepFrom(level, leaf >> height)
      if (step) mine.push(step)
    }
    level = parentsOf(level)
  }
  return { root: level[0]!, paths: steps.map((mine) => Buffer.concat(mine)) }
}

/** Names a node in a set. */
const nodeName = (node: Buffer): string => node.toString('latin1')

/**
 * Follows a path from its leaf to the root, or to the first node that `known` has. `passed`: the names of all nodes on
 * the way and beside it; they are of the tree if the top is. Null when the path is none.
 */
export const climb = (
  leaf: Buffer,
  path: Buffer,
  known: ReadonlySet<string>,
): { top: Buffer; passed: string[] } | null => {
  if (path.byteLength % stepBytes !== 0) return null
  const passed = [nodeName(leaf)]
  let node = leaf
  for (let at = 0; at < path.byteLength && !known.has(passed.at(-1)!); at += stepBytes) {
    const other = path.subarray(at + 1, at + stepBytes)
    if (path[at] !== left && path[at] !== right) return null
    node = path[at] === left ? nodeHash(other, node) : nodeHash(node, other)
    passed.push(nodeName(other), nodeName(node))
  }
  return { top: node, passed }
}

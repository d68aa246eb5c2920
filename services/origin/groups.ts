import type { BusRecord } from '../bus/bus.ts'
import { climb } from './hash-tree.ts'
import { bytesOf, isGenuine, leafOf, type Seal, sealKeyId } from './seal.ts'

const maxGroups = 256

/** Records under one signature that was verified: what is known to be in its tree. */
type Group = { keyId: string; nodes: Set<string> }

const none: ReadonlySet<string> = new Set()

/**
 * Gives the id of the key that signed a record, as the agent of the bastion or as a role; null: none did. Verifies a
 * signature once for all records of its group, and hashes no node of their tree twice.
 */
export const createGroups = () => {
  const groups = new Map<string, Group>()
  return (record: BusRecord, seal: Seal, bastion: string): string | null => {
    const { kind, key, path, signature } = seal
    // What a role signs does not name a bastion: one signature covers records of many.
    const name = `${kind} ${kind === 'agent' ? bastion : ''} ${key} ${signature}`
    const group = groups.get(name)
    const climbed = climb(leafOf(record), bytesOf(path), group?.nodes ?? none)
    if (climbed === null) return null
    const { top, passed } = climbed
    if (group) {
      if (!group.nodes.has(passed.at(-1)!)) return null
      for (const node of passed) group.nodes.add(node)
      return group.keyId
    }
    if (!isGenuine(seal, top, bastion)) return null
    const keyId = sealKeyId(seal)
    groups.set(name, { keyId, nodes: new Set(passed) })
    if (groups.size > maxGroups) groups.delete(groups.keys().next().value!)
    return keyId
  }
}

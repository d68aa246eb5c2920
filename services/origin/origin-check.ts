import type { AgentKeys } from '../access/agent-keys.ts'
import type { RoleKeys } from '../access/role-keys.ts'
import type { BusRecord } from '../bus/bus.ts'
import type { Clock } from '../clock.ts'
import { isGenuine, readSeal, type Seal } from './seal.ts'
import { createStandings, type Standing } from './standings.ts'

/** Whether a record was written by who may speak for the bastion that it is about. */
export type OriginCheck = {
  /**
   * Null: it was. Else why that is not proven, without anything of the record's content. `bastion`: the one that its
   * value names. @throws BTZ_UNAVAILABLE while nobody can say whether a key is good
   */
  refuse(record: BusRecord, bastion: string): Promise<string | null>
}

const maxGenuine = 4_096

/** Signatures that were verified: the records of one group share theirs. */
const createGenuine = () => {
  const known = new Set<string>()
  return (seal: Seal, bastion: string): boolean => {
    const { kind, keyId, root, signature } = seal
    const name = `${kind}\n${bastion}\n${keyId}\n${root.toString('latin1')}${signature.toString('latin1')}`
    if (known.has(name)) return true
    if (!isGenuine(seal, bastion)) return false
    known.add(name)
    if (known.size > maxGenuine) known.delete(known.values().next().value!)
    return true
  }
}

export const createOriginCheck = (options: {
  agentKeys: Pick<AgentKeys, 'find'>
  roleKeys: Pick<RoleKeys, 'isKnown'>
  clock: Clock
}): OriginCheck => {
  const { agentKeys, roleKeys, clock } = options
  const isSigned = createGenuine()

  const lookUp = async (name: string): Promise<Standing> => {
    const [keyId, bastion] = name.split('/') as [string, string | undefined]
    if (bastion === undefined) return (await roleKeys.isKnown(keyId)) ? 'good' : 'unknown'
    const key = await agentKeys.find(bastion, keyId)
    if (key === null) return 'unknown'
    return key.revokedAt === null ? 'good' : 'revoked'
  }
  const standingOf = createStandings(lookUp, clock)

  return {
    refuse: async (record, bastion) => {
      const seal = readSeal(record)
      if (seal === null) return 'it carries no proof of who wrote it'
      const { kind, keyId } = seal
      // First the signature: only who has a key can have us ask for it, so nobody can have another's be taken for unknown.
      if (!isSigned(seal, bastion)) return `it was not signed by key ${keyId} as ${kind} for ${bastion}`
      const standing = await standingOf(kind === 'agent' ? `${keyId}/${bastion}` : keyId)
      if (standing === 'good') return null
      return standing === 'revoked'
        ? `key ${keyId} of ${bastion} was revoked`
        : `key ${keyId} is not known as ${kind} for ${bastion}`
    },
  }
}

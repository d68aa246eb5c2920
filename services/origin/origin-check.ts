import type { AgentKeys } from '../access/agent-keys.ts'
import type { RoleKeys } from '../access/role-keys.ts'
import type { BusRecord } from '../bus/bus.ts'
import type { Clock } from '../clock.ts'
import { createGroups } from './groups.ts'
import { agentTopics, readSeal } from './seal.ts'
import { createStandings, type Standing } from './standings.ts'

/** Whether a record was written by who may speak for the bastion that it is about. */
export type OriginCheck = {
  /**
   * Null: it was. Else why that is not proven, without anything of the record's content. `bastion`: the one that its
   * value names. @throws BTZ_UNAVAILABLE while nobody can say whether a key is good
   */
  refuse(record: BusRecord, bastion: string): Promise<string | null>
}

export const createOriginCheck = (options: {
  agentKeys: Pick<AgentKeys, 'find'>
  roleKeys: Pick<RoleKeys, 'isKnown'>
  clock: Clock
}): OriginCheck => {
  const { agentKeys, roleKeys, clock } = options
  const keyThatSigned = createGroups()

  const lookUp = async (name: string): Promise<Standing> => {
    const [keyId, bastion] = name.split('/') as [string, string | undefined]
    if (bastion === undefined) return (await roleKeys.isKnown(keyId)) ? 'good' : 'unknown'
    const key = await agentKeys.find(bastion, keyId)
    if (key === null || key.purpose !== 'agent') return 'unknown'
    return key.revokedAt === null ? 'good' : 'revoked'
  }
  const standingOf = createStandings(lookUp, clock)

  return {
    refuse: async (record, bastion) => {
      const seal = readSeal(record)
      if (seal === null) return 'it carries no proof of who wrote it'
      const { kind } = seal
      if (kind === 'agent' && !agentTopics.includes(record.topic)) return `an agent does not write ${record.topic}`
      // First the signature: only who has a key can have us ask for it, so nobody can have another's be taken for unknown.
      const keyId = keyThatSigned(record, seal, bastion)
      if (keyId === null) return `it was not signed with the key it names, as ${kind} for ${bastion}`
      const standing = await standingOf(kind === 'agent' ? `${keyId}/${bastion}` : keyId)
      if (standing === 'good') return null
      return standing === 'revoked'
        ? `key ${keyId} of ${bastion} was revoked`
        : `key ${keyId} is not known as ${kind} for ${bastion}`
    },
  }
}

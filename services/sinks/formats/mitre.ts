import type { RuleId } from '../../schema/alert.ts'
import { ruleFacts } from '../../schema/rules.ts'

type Named = { id: string; name: string }

/** ATT&CK of a rule; a sub-technique (T1548.003) apart from the technique that it belongs to, as ECS and OCSF have it. */
export const attackOf = (rule: RuleId): { tactic: Named; technique: Named; subtechnique: Named | null } => {
  const { id, name, tactic } = ruleFacts[rule].technique
  const [techniqueId = id] = id.split('.')
  const [techniqueName = name, subtechniqueName = name] = name.split(': ')
  return {
    tactic,
    technique: { id: techniqueId, name: techniqueName },
    subtechnique: techniqueId === id ? null : { id, name: subtechniqueName },
  }
}

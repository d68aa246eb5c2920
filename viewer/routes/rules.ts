import { Router } from 'express'
import { z } from 'zod'
import { settings } from '#services/config.ts'
import { RuleId, Severity } from '#services/schema/alert.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { ruleFacts } from '#services/schema/rules.ts'
import { allow } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { parseInput } from './input.ts'

/** As `/api/rules` gives it out. `settings`: what the rule decides by now; `id` as in the configuration file. */
export const RuleInfo = z.object({
  id: RuleId,
  title: z.string(),
  description: z.string(),
  severities: z.array(Severity),
  technique: z.object({ id: z.string(), name: z.string(), tactic: z.object({ id: z.string(), name: z.string() }) }),
  settings: z.array(
    z.object({ id: z.string(), value: z.union([z.string(), z.number(), z.boolean()]).nullable(), meaning: z.string() }),
  ),
})
type RuleInfo = z.infer<typeof RuleInfo>

const valueAt = (present: unknown, path: readonly string[]): unknown =>
  path.reduce((value, name) => (value as Record<string, unknown> | undefined)?.[name], present)

const ruleInfos = (present: DetectorSettings): RuleInfo[] => {
  const all = settings(DetectorSettings)
  return RuleId.options.map((id) =>
    RuleInfo.parse({
      id,
      ...ruleFacts[id],
      settings: all
        .filter(({ path }) => ruleFacts[id].settings.includes(path[0]!))
        .map(({ path, description }) => ({
          id: ['detectors', ...path].join('.'),
          value: valueAt(present, path) ?? null,
          meaning: description,
        })),
    }),
  )
}

export const ruleRoutes = ({ config }: ViewerContext): Router => {
  const router = Router()
  const items = ruleInfos(config.detectors)
  router.get('/api/rules', allow('rule.list'), (request, response) => {
    parseInput(z.strictObject({}), request.query)
    response.json({ items, next: null, total: { value: items.length, relation: 'eq' } })
  })
  return router
}

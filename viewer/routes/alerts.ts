import { setTimeout as sleep } from 'node:timers/promises'
import { type Request, Router } from 'express'
import { z } from 'zod'
import { matchOf, suppressionOf } from '#services/alerts/suppressions.ts'
import { type Decided, withDecisions } from '#services/alerts/triage.ts'
import type { AlertQuery } from '#services/catalog/catalog.ts'
import { BartizanError } from '#services/errors.ts'
import { Alert, AlertStatus, RuleId, Severity } from '#services/schema/alert.ts'
import { alertTag, checkAlertTag } from '../access/alert-tag.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { commaList, instant, page, parseInput, reason, text, word } from './input.ts'

export const AlertsQuery = z.strictObject({
  status: commaList<AlertStatus>(AlertStatus.options),
  rule: commaList<RuleId>(RuleId.options),
  severity: commaList<Severity>(Severity.options),
  user: word,
  sourceIp: word,
  bastion: word,
  sessionId: word,
  q: text,
  from: instant,
  to: instant,
  withdrawn: z.enum(['true', 'false']).default('false'), // true: withdrawn ones too
  suppressed: z.enum(['true', 'false', 'all']).default('false'), // true or all: suppressed ones too
  ...page,
})
/** `suppressedBy`: the suppression in force that keeps it from waking anybody. */
export const AlertInfo = Alert.extend({ suppressedBy: z.string().nullable() })
type AlertInfo = z.infer<typeof AlertInfo>

export const Triage = z
  .strictObject({ status: AlertStatus, reason: reason.optional() })
  .refine(
    ({ status, reason }) => reason !== undefined || !['resolved', 'false_positive'].includes(status),
    'resolved and false_positive need a reason',
  )
const AlertId = Alert.shape.id

const queryOf = ({ status, rule, severity, q, withdrawn, suppressed, ...query }: z.infer<typeof AlertsQuery>) => ({
  ...query,
  ...(status && { statuses: status }),
  ...(rule && { rules: rule }),
  ...(severity && { severities: severity }),
  ...(q && { text: q }),
  ...(withdrawn === 'true' && { withdrawn: true }),
})

const listedMs = 1_000
const pollMs = 20

/**
 * Lists come from the catalog, which hears of a decision through the bus: whoever asks for one after the answer finds it
 * decided, unless the indexer is behind.
 */
const untilListed = async ({ catalog, clock }: ViewerContext, { id, triage }: Alert): Promise<void> => {
  const endMs = clock.now() + listedMs
  while (clock.now() < endMs) {
    if ((await catalog.alert(id))?.triage?.at === triage?.at) return
    await sleep(pollMs)
  }
}

export const alertRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const { catalog, triage, suppressions, audit, clock } = context

  /** @throws BTZ_NOT_FOUND */
  const found = async (id: unknown): Promise<{ alert: Alert; decided: Decided }> => {
    const parsed = AlertId.safeParse(id)
    const alert = parsed.success ? await catalog.alert(parsed.data) : null
    if (!alert) throw new BartizanError('BTZ_NOT_FOUND', 'there is no alert with this id')
    const decided = await triage.of(alert.id)
    return { alert: withDecisions(alert, decided), decided }
  }
  const shown = async (alerts: Alert[]): Promise<AlertInfo[]> => {
    const inForce = await suppressions.inForce()
    return alerts.map((alert) => ({ ...alert, suppressedBy: suppressionOf(alert, inForce, clock.now())?.id ?? null }))
  }
  const seen = (request: Request, principal: ReturnType<typeof principalOf>, action: string, object?: string) =>
    audit({ principal, action, object, sourceIp: request.ip, repeats: true })

  router.get('/api/alerts', allow('alert.list'), async (request, response) => {
    const asked = parseInput(AlertsQuery, request.query)
    await seen(request, principalOf(response), 'alert.list', asked.q)
    const except = asked.suppressed === 'false' ? (await suppressions.inForce()).map(matchOf) : []
    const query: AlertQuery = { ...queryOf(asked), except }
    const { items, ...list } = await catalog.alerts(query)
    response.json({ items: await shown(items), ...list })
  })

  router.get('/api/alerts/:id', allow('alert.list'), async (request, response) => {
    const { alert, decided } = await found(request.params.id)
    await seen(request, principalOf(response), 'alert.view', alert.id)
    const [info] = await shown([alert])
    response.setHeader('ETag', alertTag(alert, decided.stateRevision))
    response.setHeader('Cache-Control', 'no-store')
    response.json(info)
  })

  router.get('/api/alerts/:id/history', allow('alert.list'), async (request, response) => {
    const { alert, decided } = await found(request.params.id)
    await seen(request, principalOf(response), 'alert.history', alert.id)
    response.json({ items: decided.decisions })
  })

  router.patch('/api/alerts/:id', allow('alert.triage'), async (request, response) => {
    const { status, reason = null } = parseInput(Triage, request.body)
    const { alert, decided } = await found(request.params.id)
    checkAlertTag(request.get('if-match'), alert, decided.stateRevision)
    const principal = principalOf(response)
    const why = reason === null ? status : `${status}: ${reason}`
    await audit({ principal, action: 'alert.triage', object: alert.id, reason: why, sourceIp: request.ip })
    const after = await triage.decide(alert, decided, { status, actor: principal.name, reason })
    await untilListed(context, after)
    const [info] = await shown([after])
    response.setHeader('ETag', alertTag(after, (await triage.of(after.id)).stateRevision))
    response.setHeader('Cache-Control', 'no-store')
    response.json(info)
  })
  return router
}

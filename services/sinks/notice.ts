import { z } from 'zod'
import { Alert, AlertStatus, Severity } from '../schema/alert.ts'
import type { Sent } from './sink.ts'

/** What people are told: by chat, mail, or a webhook that pages. */

export const EffectiveStatus = z.enum([...AlertStatus.options, 'withdrawn'])
export type EffectiveStatus = z.infer<typeof EffectiveStatus>

export const AlertNotice = z.object({
  kind: z.literal('alert'),
  id: z.string().max(256), // the same for the same alert, status and level: what a receiver tells duplicates by
  status: EffectiveStatus,
  alert: Alert,
})
/** So many more than the limit came in a short time; each of them is in the console. */
export const StormNotice = z.object({
  kind: z.literal('storm'),
  id: z.string().max(256),
  count: z.number().int(),
  highest: Severity,
  sinceMs: z.number(),
  untilMs: z.number(),
})
const counted = z.number().int().nonnegative()
export const DigestNotice = z.object({
  kind: z.literal('digest'),
  id: z.string().max(256),
  sinceMs: z.number(),
  untilMs: z.number(),
  rules: z.array(z.object({ rule: z.string(), severity: Severity, count: counted })).max(100),
  findings: z.array(z.object({ rule: z.string(), count: counted, attempts: counted })).max(50), // severity info
  suppressed: counted,
  capped: counted,
  past: counted, // of imported history
  sinks: z.array(z.object({ name: z.string(), state: z.string(), lagSeconds: z.number() })).max(50),
})
export const Notice = z.discriminatedUnion('kind', [AlertNotice, StormNotice, DigestNotice])
export type AlertNotice = z.infer<typeof AlertNotice>
export type StormNotice = z.infer<typeof StormNotice>
export type DigestNotice = z.infer<typeof DigestNotice>
export type Notice = z.infer<typeof Notice>

export type NumberedNotice = { seq: number; notice: Notice }

/** As a Sink, for what people read. */
export type Notifier = {
  /** In order. @throws SinkUnavailable for what may succeed later */
  send(batch: readonly NumberedNotice[], signal: AbortSignal): Promise<Sent>
  close(): Promise<void>
}

/** Of the console: the alert itself, and the moment in the replay; null where it belongs to no session. */
export const linksOf = ({ id, sessionId, atMs }: Alert, consoleUrl: string) => ({
  alertUrl: `${consoleUrl}/alerts/${encodeURIComponent(id)}`,
  momentUrl:
    sessionId === null
      ? null
      : `${consoleUrl}/sessions/${encodeURIComponent(sessionId)}${atMs === null ? '' : `?t=${atMs}`}`,
})

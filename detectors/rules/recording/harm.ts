import type { SessionEvent } from '#services/schema/session-event.ts'
import { withSample } from '../../baselines/robust.ts'
import type { Finding, RuleContext } from '../../rule.ts'
import { plural, span } from '../wording.ts'

/** What was done to the recorder of a bastion, or what is missing of its recordings: one incident as long as it goes on. */
type Health = Extract<SessionEvent, { kind: 'recorder_health' }>
export type Harm = {
  firstMs: number
  lastMs: number
  count: number
  sessions: readonly string[]
  details: readonly string[]
  mended?: number // sessions of which the rest arrived
}
export type HarmKind = 'recorder_killed' | 'truncated'

const maxSessions = 100 // of one alert
const maxDetails = 3
const maxDetail = 300

const titles: Record<HarmKind, string> = {
  recorder_killed: 'the recorder was killed or tampered with',
  truncated: 'recordings were cut short',
}
const windows: Record<HarmKind, string> = { recorder_killed: 'killed', truncated: 'truncated' }
const expectations: Record<HarmKind, string> = {
  recorder_killed: 'a recorder that ends by itself and says so',
  truncated: 'recordings that go to the end of their session',
}
const severities: Record<HarmKind, Finding['severity']> = { recorder_killed: 'high', truncated: 'medium' }

export const harmed = (before: Harm | null | undefined, event: Health, timeMs: number, quietMs: number): Harm => {
  const isSame = before != null && timeMs - before.lastMs <= quietMs
  const harm = isSame ? before : { firstMs: timeMs, lastMs: timeMs, count: 0, sessions: [], details: [] }
  const detail = (event.detail ?? event.status).slice(0, maxDetail)
  const isNew = !!event.sessionId && !harm.sessions.includes(event.sessionId)
  return {
    ...harm,
    firstMs: Math.min(harm.firstMs, timeMs),
    lastMs: Math.max(harm.lastMs, timeMs),
    count: harm.count + 1,
    sessions: isNew ? withSample(harm.sessions, event.sessionId!, maxSessions) : harm.sessions,
    details: harm.details.includes(detail) ? harm.details : [...harm.details, detail].slice(-maxDetails),
  }
}

/** Null: it was not about that session. */
export const mended = (harm: Harm | null | undefined, sessionId: string, timeMs: number): Harm | null => {
  if (!harm?.sessions.includes(sessionId)) return null
  return {
    ...harm,
    lastMs: Math.max(harm.lastMs, timeMs),
    sessions: harm.sessions.filter((id) => id !== sessionId),
    mended: (harm.mended ?? 0) + 1,
  }
}

export const harmFinding = (
  kind: HarmKind,
  { firstMs, lastMs, count, sessions, details, mended = 0 }: Harm,
  bastion: string,
  context: RuleContext,
): Finding => {
  const isPlanned = context.directory.isMaintenance(bastion, lastMs)
  const touched = sessions.length > 0 ? ` ${plural(sessions.length, 'session')} cut.` : ''
  const arrived = mended > 0 ? ` The rest of ${plural(mended, 'session')} arrived late.` : ''
  const planned = isPlanned ? ' No alert: maintenance.' : ''
  return {
    window: `${windows[kind]} ${Math.floor(firstMs / context.settings.recordingGap.quietMs)}`,
    severity: isPlanned ? 'info' : severities[kind],
    title: `${bastion}: ${titles[kind]}`,
    explanation: `${plural(count, 'report')} within ${span(lastMs - firstMs)}: ${details.join('; ')}.${touched}${arrived} Expected: ${expectations[kind]}.${planned}`,
    baseline: null,
    bastion,
    sessionIds: sessions,
    gap: kind,
    count,
    firstEventMs: firstMs,
    lastEventMs: lastMs,
    isOver: mended > 0 && sessions.length === 0,
  }
}

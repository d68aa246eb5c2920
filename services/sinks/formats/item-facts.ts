import { isIP } from 'node:net'
import type { Alert } from '../../schema/alert.ts'
import { commonEventFields, SessionEvent } from '../../schema/session-event.ts'
import { linksOf } from '../notice.ts'
import type { FormatContext, Outgoing } from '../sink.ts'
import type { Field, Fields } from './json-line.ts'
import { jsonLine } from './json-line.ts'

/**
 * Unique per thing said: one alert is told several times, and a receiver that takes this for the key of its document
 * keeps them all, and a repeated delivery once.
 */
export const itemId = (item: Outgoing): string => {
  if (item.type === 'event') return item.event.id
  const { id, revision, withdrawn, triage } = item.alert
  return [id, revision, ...(withdrawn ? ['withdrawn'] : []), ...(triage ? [triage.status, triage.at] : [])].join('/')
}

export const itemAt = (item: Outgoing): string => (item.type === 'event' ? item.event.at : item.alert.at)
/** The kind of an event, or the rule of an alert. */
export const itemName = (item: Outgoing): string => (item.type === 'event' ? item.event.kind : item.alert.rule)
export const itemBastion = (item: Outgoing): string | null =>
  item.type === 'event' ? item.event.bastion : item.alert.bastion

/** The address without an IPv6 zone; null where the text is a host name. */
export const ipOf = (text: string | null | undefined): string | null => {
  const address = text?.replace(/%.*$/s, '') ?? ''
  return isIP(address) === 0 ? null : address
}

/** Where a person looks at it: the alert, or the session of the event. */
export const consoleLink = (item: Outgoing, about: FormatContext): string | null => {
  if (item.type === 'alert') return linksOf(item.alert, about.consoleUrl).alertUrl
  const { sessionId } = item.event
  return sessionId ? `${about.consoleUrl}/sessions/${encodeURIComponent(sessionId.toWellFormed())}` : null
}

/** What became of it; unknown where the source did not say. */
export const outcomeOf = (event: SessionEvent): 'success' | 'failure' | 'unknown' => {
  if (event.outcome) return event.outcome
  if (event.kind === 'login') return 'success'
  if (event.kind === 'login_failed') return 'failure'
  if (event.kind === 'recorder_health') return event.status === 'ok' ? 'success' : 'failure'
  if (event.kind === 'posture')
    return event.status === 'ok' ? 'success' : event.status === 'fail' ? 'failure' : 'unknown'
  return 'unknown'
}

/** It is over: a person closed it, or its ground is gone. */
export const isClosed = (alert: Alert): boolean =>
  alert.withdrawn || alert.status === 'resolved' || alert.status === 'false_positive'

const shapes = new Map(SessionEvent.options.map((option) => [option.shape.kind.value, option.shape as object]))
const common = new Set(commonEventFields)

type Own = Record<string, string | number | boolean>

/**
 * What belongs to the kind of an event alone, one plain value per name, so that no name ever has two types in a
 * receiver's index: deeper things are JSON text, and fields that we do not know are one JSON text named `extra`.
 */
export const ownFields = (event: SessionEvent): Own => {
  const own: Own = {}
  const extra: Record<string, Field> = {}
  const shape = shapes.get(event.kind) ?? {}
  for (const [name, value] of Object.entries(event)) {
    if (common.has(name) || value === null || value === undefined) continue
    if (!(name in shape)) extra[name] = value as Field
    else own[name] = typeof value === 'object' ? jsonLine(value as Fields) : (value as string | number | boolean)
  }
  return Object.keys(extra).length > 0 ? { ...own, extra: jsonLine(extra) } : own
}

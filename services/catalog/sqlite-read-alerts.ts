import type { Alert } from '../schema/alert.ts'
import type { List } from '../schema/session.ts'
import type { AlertMatch, AlertQuery } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { wordsOf } from './search-text.ts'
import { KeyText } from './sqlite-read-events.ts'
import { timedPage } from './sqlite-read-timed.ts'
import { type Condition, condition, equals, isOneOf, type Select, totalOf } from './sqlite-select.ts'
import { textMatch } from './sqlite-text-match.ts'

/** IS, and not =: the opposite of what is unknown would be unknown too. */
const matches = ({ rule, user, bastion, source }: AlertMatch): Condition => {
  const is = (column: string, value: string | undefined) =>
    value === undefined ? [] : [condition(`x.${column} IS ?`, value)]
  const parts = [
    ...is('rule', rule),
    ...is('user', user),
    ...is('bastion', bastion),
    ...(source ? [condition('x.source_key IS NOT NULL AND x.source_key BETWEEN ? AND ?', source.from, source.to)] : []),
  ]
  return {
    sql: parts.map(({ sql }) => sql).join(' AND ') || 'FALSE',
    params: parts.flatMap(({ params }) => params),
  }
}

const anyOf = (wanted: readonly AlertMatch[]): Condition => {
  const parts = wanted.map(matches)
  return {
    sql: parts.map(({ sql }) => `(${sql})`).join(' OR ') || 'FALSE',
    params: parts.flatMap(({ params }) => params),
  }
}

const conditionsOf = (query: AlertQuery): Condition[] => {
  const { except = [] } = query
  const excepted = anyOf(except)
  return [
    ...isOneOf('x.status', query.statuses),
    ...isOneOf('x.rule', query.rules),
    ...isOneOf('x.severity', query.severities),
    ...equals('x.user', query.user),
    ...equals('x.source_ip', query.sourceIp),
    ...equals('x.bastion', query.bastion),
    ...(query.sessionId === undefined
      ? []
      : [condition('x.id IN (SELECT alert_id FROM alert_session WHERE session_id = ?)', query.sessionId)]),
    ...(query.withdrawn ? [] : [condition('x.withdrawn = 0')]),
    ...(except.length > 0 ? [condition(`NOT (${excepted.sql})`, ...excepted.params)] : []),
  ]
}

export const readAlert = (select: Select, id: string): Alert | null => {
  const found = select.first<{ row: string }>('SELECT row FROM alert WHERE id = ?', [id])
  return found && (JSON.parse(found.row) as Alert)
}

/** Newest first. */
export const readAlerts = (select: Select, query: AlertQuery): List<Alert> => {
  const { except, ...lasting } = query
  const place = decodeCursor('alerts', lasting, KeyText)
  const match = textMatch(select, 'alert', wordsOf(query.text ?? ''))
  const page = timedPage<{ row: string }>(select, {
    table: 'alert',
    columns: 'x.row',
    match: match?.query ?? null,
    conditions: [...conditionsOf(query), ...(match?.exactly('x.text') ?? [])],
    from: query.from,
    to: query.to,
    below: place === null ? null : BigInt(place),
    limit: query.limit,
  })
  return {
    items: page.rows.map(({ row }) => JSON.parse(row) as Alert),
    next: page.more ? encodeCursor('alerts', lasting, page.rows.at(-1)!.key) : null,
    total: totalOf(page.count),
  }
}

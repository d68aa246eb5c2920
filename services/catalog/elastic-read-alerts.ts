import type { Alert } from '../schema/alert.ts'
import type { List } from '../schema/session.ts'
import type { AlertMatch, AlertQuery } from './catalog.ts'
import { type Ask, between, equals, isOneOf } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { timedPage } from './elastic-read-timed.ts'
import { wordFilters } from './elastic-terms.ts'
import { wordsOf } from './search-text.ts'

const matches = ({ rule, user, bastion, source }: AlertMatch): object => {
  const filter = [
    ...equals('rule', rule),
    ...equals('user', user),
    ...equals('bastion', bastion),
    ...(source ? [{ range: { sourceKey: { gte: source.from, lte: source.to } } }] : []),
  ]
  return filter.length > 0 ? { bool: { filter } } : { match_none: {} }
}

const filtersOf = (query: AlertQuery): object[] => [
  ...isOneOf('status', query.statuses),
  ...isOneOf('rule', query.rules),
  ...isOneOf('severity', query.severities),
  ...equals('user', query.user),
  ...equals('sourceIp', query.sourceIp),
  ...equals('bastion', query.bastion),
  ...equals('sessionIds', query.sessionId),
  ...(query.withdrawn ? [] : [{ term: { withdrawn: false } }]),
  ...(query.except?.length ? [{ bool: { must_not: query.except.map(matches) } }] : []),
  ...between('at', query.from, query.to),
  ...wordFilters(wordsOf(query.text ?? '')),
]

export const readAlert = async (ask: Ask, indices: CatalogIndices, id: string): Promise<Alert | null> => {
  const [found] = await ask.get<{ row: string }>([{ _index: indices.alerts, _id: id, _source: ['row'] }])
  return found ? (JSON.parse(found.row) as Alert) : null
}

/** Newest first. */
export const readAlerts = (ask: Ask, indices: CatalogIndices, query: AlertQuery): Promise<List<Alert>> => {
  const { except, ...lasting } = query
  const list = { name: 'alerts', index: indices.alerts, filters: filtersOf(query), source: ['row'] }
  return timedPage(ask, lasting, list, ({ _source }) => JSON.parse(_source.row) as Alert)
}

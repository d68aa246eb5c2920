import { BartizanError } from '../errors.ts'

const maxPage = 1_000

/** @throws BTZ_CATALOG_QUERY */
export const checkedLimit = <Query extends { limit: number }>(query: Query, max = maxPage): Query => {
  if (Number.isInteger(query.limit) && query.limit >= 1 && query.limit <= max) return query
  throw new BartizanError('BTZ_CATALOG_QUERY', `limit has to be 1 to ${max}`)
}

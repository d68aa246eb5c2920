import type { ValueField } from '../catalog/catalog.ts'

/** What hits have most, at most so many of each. */
const maxValues = 10

export type FacetRow = Record<ValueField, string | null>
export type Facets = Record<ValueField, { value: string; count: number }[]>

const topOf = (values: readonly (string | null)[]): Facets[ValueField] => {
  const counts = new Map<string, number>()
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1)
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return sorted.slice(0, maxValues).map(([value, count]) => ({ value, count }))
}

export const facetsOf = (rows: readonly FacetRow[]): Facets => ({
  user: topOf(rows.map(({ user }) => user)),
  host: topOf(rows.map(({ host }) => host)),
  bastion: topOf(rows.map(({ bastion }) => bastion)),
  ip: topOf(rows.map(({ ip }) => ip)),
})

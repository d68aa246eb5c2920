import { useSearchParams } from 'react-router'

export type Filters<N extends string> = {
  values: Record<N, string | undefined>
  change(changes: Partial<Record<N, string | null>>): void
}

/** What a list is narrowed to stands in the address, so that it can be sent to a colleague. */
export const useFilters = <N extends string>(names: readonly N[]): Filters<N> => {
  const [search, setSearch] = useSearchParams()
  const values = Object.fromEntries(names.map((name) => [name, search.get(name) ?? undefined])) as Record<
    N,
    string | undefined
  >
  const change = (changes: Partial<Record<N, string | null>>) => {
    const next = new URLSearchParams(search)
    for (const [name, value] of Object.entries(changes) as [N, string | null][]) {
      if (value) next.set(name, value)
      else next.delete(name)
    }
    setSearch(next)
  }
  return { values, change }
}

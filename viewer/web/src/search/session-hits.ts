import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { api, type Session } from '../api.ts'
import { useZone } from '../time.tsx'
import { wordsOf } from './found-words.ts'

const most = '200'

/** Where in one session something was found: the search of before, narrowed to it. */
export const useSessionHits = (session: Session | undefined, q: string | null, isAllowed: boolean) => {
  const { zoneName } = useZone()
  const asked = {
    q: session && q ? `(${q}) session:${session.id}` : undefined,
    tz: zoneName,
    limit: most,
  }
  const found = useQuery({
    queryKey: ['session-hits', session?.id, q],
    queryFn: ({ signal }) => api.search(asked, session!.id, signal),
    enabled: isAllowed && asked.q !== undefined,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  })
  return useMemo(() => {
    const hits = (found.data?.items ?? []).filter(({ atMs }) => atMs !== null)
    return {
      words: wordsOf(hits),
      hits: hits.map(({ atMs, snippet }) => ({ atMs: atMs!, label: snippet })).sort((a, b) => a.atMs - b.atMs),
    }
  }, [found.data])
}

import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { api, type Session } from '../api.ts'
import { useZone } from '../time.tsx'
import { wordsOf } from './found-words.ts'
import { filterOf } from './query-text.ts'

const most = '200'

/** Nothing of it is later, whichever clock was ahead. */
const endOf = ({ startedAt, endedAt, durationMs }: Session): string | undefined =>
  endedAt === null
    ? undefined
    : new Date(Math.max(Date.parse(endedAt), Date.parse(startedAt) + (durationMs ?? 0)) + 1_000).toISOString()

/** Where in one session something was found: the search of before, narrowed to who and when. */
export const useSessionHits = (session: Session | undefined, q: string | null, isAllowed: boolean) => {
  const { zoneName } = useZone()
  const asked = {
    q: session && q ? `(${q}) ${filterOf('user', session.user)} ${filterOf('bastion', session.bastion)}` : undefined,
    tz: zoneName,
    from: session?.startedAt,
    to: session && endOf(session),
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
    const hits = (found.data?.items ?? []).filter((hit) => hit.sessionId === session?.id && hit.atMs !== null)
    return {
      words: wordsOf(hits),
      hits: hits.map(({ atMs, snippet }) => ({ atMs: atMs!, label: snippet })).sort((a, b) => a.atMs - b.atMs),
    }
  }, [found.data, session?.id])
}

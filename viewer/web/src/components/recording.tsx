import { Alert, Button, Group, Loader, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useSearchParams } from 'react-router'
import type { Session } from '../api.ts'
import { useWhy, withWhy } from '../why.ts'
import { Player, type PlayerHandle } from './player.tsx'

const refreshMs = 3000

/** The recording; of a running session what is stored so far, with a button to take in what came since. */
export const Recording = ({ session, player }: { session: Session; player: React.Ref<PlayerHandle> }) => {
  const [search] = useSearchParams()
  const [version, setVersion] = useState(0)
  const live = session.endedAt === null
  const url = `/api/sessions/${session.id}/replay/index.json`
  const why = useWhy(session.id)
  const stored = useQuery({
    queryKey: ['stored', session.id, live, version],
    queryFn: async ({ signal }) => (await fetch(url, { method: 'HEAD', signal })).ok,
    refetchInterval: (query) => (query.state.data ? false : refreshMs),
  })
  if (!session.recorded)
    return <Alert title="Not recorded">Another source saw this session; there is nothing to play.</Alert>
  if (!stored.data) {
    return (
      <Alert title={live ? 'Recording' : 'Being stored'}>
        <Group gap="sm">
          <Loader size="xs" aria-hidden />
          <Text size="sm">The recording can be played as soon as its first part is stored: within a minute.</Text>
        </Group>
      </Alert>
    )
  }
  return (
    <>
      {live && (
        <Group mb="xs">
          <Text size="sm">
            <span className="live-dot" />
            Running: this shows what is stored so far.
          </Text>
          <Button size="compact-xs" variant="default" onClick={() => setVersion(version + 1)}>
            Take in the latest
          </Button>
        </Group>
      )}
      <Player
        key={`${version}-${live}`}
        url={withWhy(url, why)}
        startAtMs={Number(search.get('t') ?? 0) || 0}
        ref={player}
      />
    </>
  )
}

import { Alert, Grid, Loader, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { type RefObject, useCallback, useRef, useState } from 'react'
import { useOutletContext, useParams, useSearchParams } from 'react-router'
import { may } from '../../../../services/access/permissions.ts'
import { api, type Command, type Me, Refusal, type Role, type Session, type SessionDetails } from '../api.ts'
import { byCursor, pageAt } from '../by-cursor.ts'
import { Custody } from '../components/custody.tsx'
import type { EndlessQuery } from '../components/endless-list.tsx'
import { Failure } from '../components/failure.tsx'
import { NotCaptured } from '../components/not-captured.tsx'
import { Recording } from '../components/recording.tsx'
import { isWithheld, RefusedContent } from '../components/refused-content.tsx'
import type { PaneHandle } from '../components/replay-pane.tsx'
import { ScreenUnavailable } from '../components/screen-unavailable.tsx'
import { SessionFacts } from '../components/session-facts.tsx'
import { SessionHead } from '../components/session-head.tsx'
import { SessionAlerts, SessionCommands } from '../components/session-parts.tsx'
import { useSessionHits } from '../search/session-hits.ts'
import { visible } from '../visible.ts'

const refreshMs = 3000
const isUnknown = (error: Error | null): boolean => error instanceof Refusal && error.status === 404

/** Who keeps evidence sees none of its content, and decides about it all the same. */
const CustodyOnly = ({ id, role }: { id: string; role: Role }) => (
  <>
    <title>{`Custody of ${id} · Bartizan`}</title>
    <Title order={1} size="h2" mb="md">
      Custody of a session
    </Title>
    <Text mb="md">
      <code>{visible(id)}</code>
    </Text>
    <Custody id={id} role={role} />
  </>
)

/** A session and its commands, asked for again while there is more to come. */
const useSession = (id: string) => {
  const whileLive = (session: Session | undefined) =>
    session && (session.endedAt === null || session.evidence === 'pending') ? refreshMs : false
  const query = useQuery({
    queryKey: ['session', id],
    queryFn: ({ signal }) => api.session(id, signal),
    // What began a moment ago may not be known yet.
    refetchInterval: ({ state }) => (isUnknown(state.error) ? refreshMs : whileLive(state.data)),
  })
  const commands = useInfiniteQuery({
    queryKey: ['commands', id],
    queryFn: ({ pageParam, signal }) => api.commands(id, { limit: '200', ...pageAt(pageParam) }, signal),
    ...byCursor,
    refetchInterval: () => whileLive(query.data),
  })
  return { query, commands }
}

type ScreenProps = ReturnType<typeof useSessionHits> & {
  session: SessionDetails
  commands: EndlessQuery<Command>
  withheld: Error | null
  onTime(atMs: number): void
  player: RefObject<PaneHandle | null>
}

const Screen = ({ session, commands, withheld, player, ...recording }: ScreenProps) => (
  <>
    {withheld ? (
      <RefusedContent error={withheld} place={session.id} onRetry={commands.refetch} />
    ) : (
      !commands.isPending && <Recording session={session} {...recording} ref={player} />
    )}
    <NotCaptured session={session} />
  </>
)

const Notices = ({ session: { id, endDetail, screenUnavailable } }: { session: SessionDetails }) => (
  <>
    {endDetail && (
      <Alert color="orange" mb="md" title="How it ended">
        {visible(endDetail)}
      </Alert>
    )}
    {screenUnavailable !== null && <ScreenUnavailable id={id} reason={screenUnavailable} />}
  </>
)

const WatchedSession = ({ id, me }: { id: string; me: Me }) => {
  const player = useRef<PaneHandle>(null)
  const [search] = useSearchParams()
  const [atMs, setAtMs] = useState(0)
  const { query, commands } = useSession(id)
  const found = useSessionHits(query.data, search.get('q'), may(me.role, 'search'))
  const onTime = useCallback((ms: number) => setAtMs(Math.floor(ms / 250) * 250), [])
  const failure = query.error && <Failure error={query.error} onRetry={query.refetch} />
  if (!query.data) return failure ?? <Loader aria-label="Loading session" />
  const session = query.data
  const withheld = isWithheld(commands.error) ? commands.error : null
  const jump = (ms: number) => player.current?.playFrom(ms)
  return (
    <>
      {failure}
      <SessionHead
        session={session}
        me={me}
        isWithheld={withheld !== null}
        timeOf={() => player.current?.timeMs() ?? 0}
      />
      <Notices session={session} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Screen
            session={session}
            commands={commands}
            withheld={withheld}
            {...found}
            onTime={onTime}
            player={player}
          />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <SessionCommands query={commands} isWithheld={withheld !== null} atMs={atMs} onJump={jump} />
          <SessionAlerts id={session.id} onJump={jump} />
          {may(me.role, 'custody.read') && <Custody id={session.id} role={me.role} />}
          <SessionFacts session={session} />
        </Grid.Col>
      </Grid>
    </>
  )
}

export const SessionPage = () => {
  const { id = '' } = useParams()
  const me = useOutletContext<Me>()
  return may(me.role, 'session.view') ? <WatchedSession id={id} me={me} /> : <CustodyOnly id={id} role={me.role} />
}

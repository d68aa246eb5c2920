import { Alert, Anchor, Breadcrumbs, Button, Grid, Group, Loader, Paper, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useCallback, useMemo, useRef, useState } from 'react'
import { Link, useOutletContext, useParams, useSearchParams } from 'react-router'
import { may } from '../../../../services/access/permissions.ts'
import { api, type Me, Refusal, type Role, type Session } from '../api.ts'
import { AlertList } from '../components/alert-list.tsx'
import { CommandList, commandAt } from '../components/command-list.tsx'
import { Custody } from '../components/custody.tsx'
import { EndlessList } from '../components/endless-list.tsx'
import { Exports } from '../components/exports.tsx'
import { Facts } from '../components/facts.tsx'
import { Failure } from '../components/failure.tsx'
import { LoginFacts } from '../components/login-facts.tsx'
import { NotCaptured } from '../components/not-captured.tsx'
import { AddressPivot, HostPivot, TargetPivot, UserPivot } from '../components/pivots.tsx'
import { Recording } from '../components/recording.tsx'
import { isWithheld, RefusedContent } from '../components/refused-content.tsx'
import type { PaneHandle } from '../components/replay-pane.tsx'
import { ScreenUnavailable } from '../components/screen-unavailable.tsx'
import { SessionState } from '../components/session-state.tsx'
import { Share } from '../components/share.tsx'
import { Terminate } from '../components/terminate.tsx'
import { useSessionHits } from '../search/session-hits.ts'
import { startedAs } from '../started-as.ts'
import { formatBytes, formatDuration, formatOffset, Time } from '../time.tsx'
import { visible } from '../visible.ts'

const refreshMs = 3000
const isUnknown = (error: Error | null): boolean => error instanceof Refusal && error.status === 404

const factsOf = (session: Session): [string, React.ReactNode][] => [
  [
    'User',
    <Text key="user" span size="sm">
      <UserPivot value={session.user} />
      {session.runAs && session.runAs !== session.user && ` → ${visible(session.runAs)}`}
    </Text>,
  ],
  ['Bastion', <HostPivot key="bastion" value={session.bastion} />],
  ...(session.target && session.target !== session.bastion
    ? [['Host', <TargetPivot key="target" value={session.target} />] satisfies [string, React.ReactNode]]
    : []),
  [
    'From',
    session.sourceIp ? (
      <Text key="from" span size="sm">
        <AddressPivot value={session.sourceIp} /> port {session.sourcePort}
      </Text>
    ) : (
      'not through ssh'
    ),
  ],
  ['Login', <LoginFacts key="login" login={session.login} />],
  ['Started', <Time key="started" at={session.startedAt} />],
  ['Ended', session.endedAt ? <Time key="ended" at={session.endedAt} /> : 'still running'],
  ['Duration', session.durationMs === null ? '–' : formatDuration(session.durationMs)],
  ['Exit', session.exitSignal ? `signal ${session.exitSignal}` : (session.exitCode ?? '–')],
  ['Terminal', session.tty ? `${session.tty}, ${session.cols}×${session.rows}` : 'none (a remote command)'],
  [
    'Started as',
    <code key="argv" title={visible(session.argv.join(' '))}>
      {startedAs(session)}
    </code>,
  ],
  ['Output', formatBytes(session.outBytes)],
  ['Input', formatBytes(session.inBytes)],
  ['Evidence', session.evidence],
  ['Hook', session.hook],
  ['Session', <code key="id">{session.id}</code>],
]

const Related = ({ session }: { session: Session }) => (
  <Group gap="md" mt="sm">
    {session.parentId && (
      <Anchor component={Link} to={`/sessions/${session.parentId}`} size="sm">
        Parent session
      </Anchor>
    )}
    {session.connectionId && (
      <Anchor component={Link} to={`/sessions?connectionId=${session.connectionId}`} size="sm">
        All sessions of this connection
      </Anchor>
    )}
    <Anchor component={Link} to={`/events?sessionId=${session.id}`} size="sm">
      Events of this session
    </Anchor>
  </Group>
)

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

const WatchedSession = ({ id, me }: { id: string; me: Me }) => {
  const player = useRef<PaneHandle>(null)
  const [search] = useSearchParams()
  const [atMs, setAtMs] = useState(0)
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
    queryFn: ({ pageParam, signal }) =>
      api.commands(id, { limit: '200', ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    refetchInterval: () => whileLive(query.data),
  })
  const found = useSessionHits(query.data, search.get('q'), may(me.role, 'search'))
  const items = useMemo(() => commands.data?.pages.flatMap((page) => page.items) ?? [], [commands.data])
  const onTime = useCallback((ms: number) => setAtMs(Math.floor(ms / 250) * 250), [])
  const failure = query.error && <Failure error={query.error} onRetry={query.refetch} />
  if (!query.data) return failure ?? <Loader aria-label="Loading session" />
  const session = query.data
  const withheld = isWithheld(commands.error) ? commands.error : null

  const heading = visible(`${session.user} on ${session.target ?? session.bastion}`)
  return (
    <>
      <title>{`${heading} · Bartizan`}</title>
      {failure}
      <Breadcrumbs mb="sm">
        <Anchor component={Link} to="/sessions">
          Sessions
        </Anchor>
        <Text>{session.id}</Text>
      </Breadcrumbs>
      <Group justify="space-between" mb="md">
        <Group>
          <Title order={1} size="h2">
            {heading}
          </Title>
          <SessionState session={session} />
        </Group>
        <Group gap="xs">
          {session.endedAt === null && may(me.role, 'session.terminate') && <Terminate id={session.id} />}
          {me.shares && session.recorded && may(me.role, 'session.share') && !withheld && (
            <Share id={session.id} maxHours={me.shareHours} timeOf={() => player.current?.timeMs() ?? 0} />
          )}
          {session.recorded && may(me.role, 'session.export') && !withheld && <Exports id={session.id} />}
        </Group>
      </Group>
      {session.endDetail && (
        <Alert color="orange" mb="md" title="How it ended">
          {visible(session.endDetail)}
        </Alert>
      )}
      {session.screenUnavailable !== null && <ScreenUnavailable id={session.id} reason={session.screenUnavailable} />}
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          {withheld ? (
            <RefusedContent error={withheld} place={session.id} onRetry={commands.refetch} />
          ) : (
            !commands.isPending && <Recording session={session} {...found} onTime={onTime} ref={player} />
          )}
          <NotCaptured session={session} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Paper withBorder p="sm" mb="md">
            <Title order={2} size="h4" mb="xs">
              Commands
            </Title>
            {withheld ? (
              <Text size="sm">As the recording.</Text>
            ) : (
              <EndlessList query={commands} noun="commands" empty={<Text size="sm">None yet.</Text>}>
                {() => (
                  <CommandList
                    commands={items}
                    now={commandAt(items, atMs)}
                    onJump={(ms) => player.current?.playFrom(ms)}
                  />
                )}
              </EndlessList>
            )}
          </Paper>
          <Paper withBorder p="sm" mb="md">
            <Title order={2} size="h4" mb="xs">
              Alerts
            </Title>
            <AlertList
              about={{ sessionId: session.id }}
              more={({ sessionIds, atMs }) =>
                sessionIds[0] === session.id &&
                atMs !== null && (
                  <Button size="compact-xs" variant="default" onClick={() => player.current?.playFrom(atMs)}>
                    {formatOffset(atMs)}
                  </Button>
                )
              }
            />
          </Paper>
          {may(me.role, 'custody.read') && <Custody id={session.id} role={me.role} />}
          <Facts rows={factsOf(session)} />
          <Related session={session} />
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

import { Alert, Anchor, Breadcrumbs, Button, Grid, Group, Loader, Paper, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import { Link, useOutletContext, useParams } from 'react-router'
import { may } from '../../../../services/access/permissions.ts'
import { api, type Me, type Role, type Session } from '../api.ts'
import { AlertList } from '../components/alert-list.tsx'
import { CommandList } from '../components/command-list.tsx'
import { Custody } from '../components/custody.tsx'
import { EndlessList } from '../components/endless-list.tsx'
import { Exports } from '../components/exports.tsx'
import { Facts } from '../components/facts.tsx'
import { Failure } from '../components/failure.tsx'
import { LoginFacts } from '../components/login-facts.tsx'
import { NotCaptured } from '../components/not-captured.tsx'
import { AddressPivot, HostPivot, TargetPivot, UserPivot } from '../components/pivots.tsx'
import type { PlayerHandle } from '../components/player.tsx'
import { Recording } from '../components/recording.tsx'
import { isWithheld, RefusedContent } from '../components/refused-content.tsx'
import { SessionState } from '../components/session-state.tsx'
import { Terminate } from '../components/terminate.tsx'
import { startedAs } from '../started-as.ts'
import { formatBytes, formatDuration, formatOffset, Time } from '../time.tsx'
import { visible } from '../visible.ts'

const refreshMs = 3000

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
  const player = useRef<PlayerHandle>(null)
  const whileLive = (session: Session | undefined) => (session && session.endedAt === null ? refreshMs : false)
  const query = useQuery({
    queryKey: ['session', id],
    queryFn: ({ signal }) => api.session(id, signal),
    refetchInterval: ({ state }) => whileLive(state.data),
  })
  const commands = useInfiniteQuery({
    queryKey: ['commands', id],
    queryFn: ({ pageParam, signal }) =>
      api.commands(id, { limit: '200', ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    refetchInterval: () => whileLive(query.data),
  })
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
          {session.recorded && may(me.role, 'session.export') && !withheld && <Exports id={session.id} />}
        </Group>
      </Group>
      {session.endDetail && (
        <Alert color="orange" mb="md" title="How it ended">
          {visible(session.endDetail)}
        </Alert>
      )}
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          {withheld ? (
            <RefusedContent error={withheld} place={session.id} onRetry={commands.refetch} />
          ) : (
            !commands.isPending && <Recording session={session} player={player} />
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
                {(items) => <CommandList commands={items} onJump={(atMs) => player.current?.playFrom(atMs)} />}
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

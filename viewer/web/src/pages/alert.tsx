import { Alert, Anchor, Button, Grid, Group, List, Loader, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useOutletContext, useParams } from 'react-router'
import { type AlertRow, api, type Me } from '../api.ts'
import { Facts } from '../components/facts.tsx'
import { Failure } from '../components/failure.tsx'
import { Part } from '../components/part.tsx'
import { AddressPivot, HostPivot, UserPivot } from '../components/pivots.tsx'
import { SeverityBadge, StatusText } from '../components/severity.tsx'
import { Suppress } from '../components/suppress.tsx'
import { Suppressed } from '../components/suppressed.tsx'
import { Trail } from '../components/trail.tsx'
import { Triage } from '../components/triage.tsx'
import { formatOffset, Time } from '../time.tsx'
import { visible } from '../visible.ts'

const refreshMs = 3000
const mayDecide = new Set(['admin', 'analyst', 'oncall'])
const maySuppress = new Set(['admin', 'analyst'])

/** Observed against expected, and on what that rests. */
const Why = ({ alert }: { alert: AlertRow }) => (
  <Part title="Why">
    <Text className="breakable">{visible(alert.explanation)}</Text>
    {alert.baseline && (
      <Facts
        mt="md"
        rows={[
          ['Observed', visible(alert.baseline.observed)],
          ['Expected', visible(alert.baseline.expected)],
          ['History', `${alert.baseline.historySize} observations over ${Math.round(alert.baseline.historyDays)} days`],
        ]}
      />
    )}
  </Part>
)

const Moments = ({ alert }: { alert: AlertRow }) => {
  const [first, ...others] = alert.sessionIds
  if (first === undefined) {
    return (
      <Text size="sm" mb="md">
        No recording shows this.{' '}
        {alert.user && (
          <Anchor component={Link} to={`/sessions?user=${encodeURIComponent(alert.user)}`} size="sm">
            Sessions of this user
          </Anchor>
        )}
      </Text>
    )
  }
  return (
    <Group mb="md">
      <Button component={Link} to={`/sessions/${first}?t=${alert.atMs ?? 0}`}>
        Watch it at {formatOffset(alert.atMs ?? 0)}
      </Button>
      {others.length > 0 && (
        <Text size="sm">
          and {others.length} more:{' '}
          {others.slice(0, 10).map((id, n) => (
            <Anchor key={id} component={Link} to={`/sessions/${id}`} size="sm" mr={4}>
              {n + 2}
            </Anchor>
          ))}
        </Text>
      )}
    </Group>
  )
}

const factsOf = (alert: AlertRow): [string, React.ReactNode][] => [
  ['Rule', alert.rule],
  ['User', <UserPivot key="user" value={alert.user} />],
  ['From', <AddressPivot key="from" value={alert.sourceIp} />],
  ['Bastion', <HostPivot key="bastion" value={alert.bastion} />],
  ['Raised', <Time key="at" at={alert.at} />],
  ['First event', <Time key="first" at={alert.firstEventAt} />],
  ['Last event', <Time key="last" at={alert.lastEventAt} />],
  ['Count', alert.count],
  ...(alert.gap ? [['Gap', alert.gap.replaceAll('_', ' ')] satisfies [string, string]] : []),
  ['Revision', alert.revision],
  ['Alert', <code key="id">{alert.id}</code>],
]

const History = ({ id }: { id: string }) => {
  const history = useQuery({
    queryKey: ['alert', id, 'history'],
    queryFn: ({ signal }) => api.alertHistory(id, signal),
    refetchInterval: refreshMs,
  })
  if (history.error) return <Failure error={history.error} />
  if (!history.data || history.data.items.length === 0) return <Text size="sm">Nobody has decided anything yet.</Text>
  return (
    <List size="sm" aria-label="Decisions">
      {history.data.items.map(({ at, actor, status, reason }) => (
        <List.Item key={`${at} ${status}`}>
          <Time at={at} /> {actor}: {status.replace('_', ' ')}
          {reason && ` – ${reason}`}
        </List.Item>
      ))}
    </List>
  )
}

const AlertHead = ({ alert, tag, me }: { alert: AlertRow; tag: string; me: Me }) => (
  <Group justify="space-between" mb="md">
    <div style={{ flex: '1 1 24rem' }}>
      <Title order={1} size="h2">
        {visible(alert.title)}
      </Title>
      <Group gap="xs">
        <SeverityBadge severity={alert.severity} />
        <Text c="dimmed">
          <StatusText alert={alert} />
        </Text>
      </Group>
    </div>
    {mayDecide.has(me.role) && (
      <Group gap="xs">
        <Triage alert={alert} tag={tag} />
        {maySuppress.has(me.role) && !alert.suppressedBy && <Suppress alert={alert} owner={me.name} />}
      </Group>
    )}
  </Group>
)

export const AlertPage = () => {
  const { id = '' } = useParams()
  const me = useOutletContext<Me>()
  const query = useQuery({
    queryKey: ['alert', id],
    queryFn: ({ signal }) => api.alert(id, signal),
    refetchInterval: refreshMs,
  })
  const failure = query.error && <Failure error={query.error} onRetry={query.refetch} />
  if (!query.data) return failure ?? <Loader aria-label="Loading alert" />
  const { alert, tag } = query.data
  return (
    <>
      <title>{`${visible(alert.title)} · Bartizan`}</title>
      {failure}
      <Trail to="/alerts" list="Alerts" one={alert.id.slice(0, 12)} />
      <AlertHead alert={alert} tag={tag} me={me} />
      {alert.suppressedBy && <Suppressed id={alert.suppressedBy} mayEnd={maySuppress.has(me.role)} />}
      {alert.withdrawn && (
        <Alert color="gray" mb="md" title="Withdrawn">
          An event that arrived late showed that this did not happen as it seemed.
        </Alert>
      )}
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Why alert={alert} />
          <Moments alert={alert} />
          <Part title="Decisions">
            <History id={alert.id} />
          </Part>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Facts rows={factsOf(alert)} />
        </Grid.Col>
      </Grid>
    </>
  )
}

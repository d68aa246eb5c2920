import { Alert, Anchor, Breadcrumbs, Button, Grid, Group, List, Loader, Paper, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useOutletContext, useParams } from 'react-router'
import { type AlertRow, api, type Me } from '../api.ts'
import { Failure } from '../components/failure.tsx'
import { AddressPivot, HostPivot, UserPivot } from '../components/pivots.tsx'
import { SeverityBadge, StatusText } from '../components/severity.tsx'
import { Suppress } from '../components/suppress.tsx'
import { Triage } from '../components/triage.tsx'
import { formatOffset, Time } from '../time.tsx'

const refreshMs = 3000
const mayDecide = new Set(['admin', 'analyst', 'oncall'])

/** Observed against expected, and on what that rests. */
const Why = ({ alert }: { alert: AlertRow }) => (
  <Paper withBorder p="md" mb="md">
    <Title order={2} size="h4" mb="xs">
      Why
    </Title>
    <Text>{alert.explanation}</Text>
    {alert.baseline && (
      <Table variant="vertical" layout="fixed" mt="md" withTableBorder>
        <Table.Tbody>
          {(
            [
              ['Observed', alert.baseline.observed],
              ['Expected', alert.baseline.expected],
              [
                'History',
                `${alert.baseline.historySize} observations over ${Math.round(alert.baseline.historyDays)} days`,
              ],
            ] as const
          ).map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th w={110}>{name}</Table.Th>
              <Table.Td>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    )}
  </Paper>
)

const Moments = ({ alert }: { alert: AlertRow }) => {
  const [first, ...others] = alert.sessionIds
  if (first === undefined) {
    return (
      <Text size="sm" mb="md">
        There is no session to this alert.{' '}
        {alert.user && (
          <Anchor component={Link} to={`/sessions?user=${encodeURIComponent(alert.user)}`} size="sm">
            Sessions of {alert.user}
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

const Facts = ({ alert }: { alert: AlertRow }) => {
  const rows: [string, React.ReactNode][] = [
    ['Rule', alert.rule],
    ['User', <UserPivot key="user" value={alert.user} />],
    ['From', <AddressPivot key="from" value={alert.sourceIp} />],
    ['Bastion', <HostPivot key="bastion" value={alert.bastion} />],
    ['Decided', <Time key="at" at={alert.at} />],
    ['First event', <Time key="first" at={alert.firstEventAt} />],
    ['Last event', <Time key="last" at={alert.lastEventAt} />],
    ['Count', alert.count],
    ...(alert.gap ? [['Gap', alert.gap] as [string, React.ReactNode]] : []),
    ['Revision', alert.revision],
    ['Alert', <code key="id">{alert.id}</code>],
  ]
  return (
    <Table variant="vertical" layout="fixed" withTableBorder verticalSpacing={4}>
      <Table.Tbody>
        {rows.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={100}>{name}</Table.Th>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

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

export const AlertPage = () => {
  const { id = '' } = useParams()
  const me = useOutletContext<Me>()
  const query = useQuery({
    queryKey: ['alert', id],
    queryFn: ({ signal }) => api.alert(id, signal),
    refetchInterval: refreshMs,
  })
  if (query.isPending) return <Loader aria-label="Loading alert" />
  if (query.error) return <Failure error={query.error} />
  const { alert, tag } = query.data
  return (
    <>
      <Breadcrumbs mb="sm">
        <Anchor component={Link} to="/alerts">
          Alerts
        </Anchor>
        <Text>{alert.id.slice(0, 12)}</Text>
      </Breadcrumbs>
      <Group justify="space-between" mb="md">
        <Group>
          <SeverityBadge severity={alert.severity} />
          <Title order={1} size="h2">
            {alert.title}
          </Title>
          <Text c="dimmed">
            <StatusText alert={alert} />
          </Text>
        </Group>
        {mayDecide.has(me.role) && (
          <Group gap="xs">
            <Triage alert={alert} tag={tag} />
            {me.role !== 'oncall' && <Suppress alert={alert} owner={me.name} />}
          </Group>
        )}
      </Group>
      {alert.withdrawn && (
        <Alert color="gray" mb="md" title="Withdrawn">
          An event that arrived late showed that this did not happen as it seemed.
        </Alert>
      )}
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Why alert={alert} />
          <Moments alert={alert} />
          <Paper withBorder p="md">
            <Title order={2} size="h4" mb="xs">
              Decisions
            </Title>
            <History id={alert.id} />
          </Paper>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Facts alert={alert} />
        </Grid.Col>
      </Grid>
    </>
  )
}

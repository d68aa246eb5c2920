import { Anchor, Breadcrumbs, Grid, Loader, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link, useParams } from 'react-router'
import { api, type UserFacts } from '../api.ts'
import { AlertList } from '../components/alert-list.tsx'
import { Failure } from '../components/failure.tsx'
import { Head } from '../components/head.tsx'
import { HourMap } from '../components/hour-map.tsx'
import { Part } from '../components/part.tsx'
import { AddressPivot, HostPivot } from '../components/pivots.tsx'
import { SessionCells } from '../components/session-cells.tsx'
import { Time, useZone } from '../time.tsx'
import { visible } from '../visible.ts'

const few = '10'

const Places = ({
  rows,
  first,
}: {
  rows: { name: ReactNode; key: string; count: number; lastAt: string }[]
  first: string
}) =>
  rows.length === 0 ? (
    <Text size="sm">None seen.</Text>
  ) : (
    <Table>
      <Head names={[first, 'Logins', 'Last']} />
      <Table.Tbody>
        {rows.map(({ name, key, count, lastAt }) => (
          <Table.Tr key={key}>
            <Table.Td>{name}</Table.Td>
            <Table.Td>{count}</Table.Td>
            <Table.Td>
              <Time at={lastAt} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )

const Habits = ({ facts, zone }: { facts: UserFacts; zone: string }) => (
  <>
    <Part title={`Logins by hour of the week (${zone})`}>
      <HourMap counts={facts.hours} zone={zone} />
      {facts.from && (
        <Text size="xs" c="dimmed" mt="xs">
          Counted from <Time at={facts.from} /> on.
        </Text>
      )}
    </Part>
    <Part title="Addresses">
      <Places
        first="Address"
        rows={facts.addresses.map((one) => ({ ...one, key: one.ip, name: <AddressPivot value={one.ip} /> }))}
      />
    </Part>
    <Part title="Hosts">
      <Places
        first="Host"
        rows={facts.hosts.map((one) => ({ ...one, key: one.host, name: <HostPivot value={one.host} /> }))}
      />
    </Part>
  </>
)

const LatestSessions = ({ user }: { user: string }) => {
  const sessions = useQuery({
    queryKey: ['sessions', 'of', user],
    queryFn: ({ signal }) => api.sessions({ user, limit: few }, signal),
  })
  if (sessions.error) return <Failure error={sessions.error} onRetry={sessions.refetch} />
  if (!sessions.data) return <Text size="sm">Loading …</Text>
  if (sessions.data.items.length === 0) return <Text size="sm">None.</Text>
  return (
    <Table.ScrollContainer minWidth={0}>
      <Table verticalSpacing={4} horizontalSpacing={6}>
        <Table.Tbody>
          {sessions.data.items.map((session) => (
            <Table.Tr key={session.id}>
              <SessionCells session={session} />
              <Table.Td>
                <HostPivot value={session.bastion} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

const All = ({ to }: { to: string }) => (
  <Anchor component={Link} to={to} size="sm">
    all
  </Anchor>
)

export const UserPage = () => {
  const { user = '' } = useParams()
  const { zoneName } = useZone()
  const facts = useQuery({
    queryKey: ['user', user, zoneName],
    queryFn: ({ signal }) => api.user(user, zoneName, signal),
  })
  const name = encodeURIComponent(user)
  return (
    <>
      <title>{`${visible(user)} · Bartizan`}</title>
      <Breadcrumbs mb="sm">
        <Text>Users</Text>
        <Text>{visible(user)}</Text>
      </Breadcrumbs>
      <Title order={1} size="h2" mb="md">
        {visible(user)}
      </Title>
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          {facts.error && <Failure error={facts.error} onRetry={facts.refetch} />}
          {facts.isPending && <Loader aria-label="Loading habits" />}
          {facts.data && <Habits facts={facts.data} zone={zoneName} />}
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Part title="Alerts" more={<All to={`/alerts?user=${name}&status=all`} />}>
            <AlertList about={{ user }} />
          </Part>
          <Part title="Sessions" more={<All to={`/sessions?user=${name}`} />}>
            <LatestSessions user={user} />
          </Part>
          <Anchor component={Link} to={`/events?user=${name}`} size="sm">
            All events
          </Anchor>
        </Grid.Col>
      </Grid>
    </>
  )
}

import { Anchor, Button, Code, Group, Select, Table, Text, TextInput, Title } from '@mantine/core'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { Link } from 'react-router'
import { api, type Session } from '../api.ts'
import { ActiveFilters } from '../components/active-filters.tsx'
import { EndlessList } from '../components/endless-list.tsx'
import { AddressPivot, HostPivot, UserPivot } from '../components/pivots.tsx'
import { SessionState } from '../components/session-state.tsx'
import { toInstant, toLocal, useFilters } from '../filters.ts'
import { startedAs } from '../started-as.ts'
import { formatDuration, Time } from '../time.tsx'

const filters = ['q', 'user', 'bastion', 'sourceIp', 'state', 'from', 'to', 'connectionId'] as const
const states = ['open', 'complete', 'truncated', 'recorder_killed', 'missing', 'late', 'tunnel_only']
const refreshMs = 3000

const SearchBar = () => {
  const { values, change } = useFilters(filters)
  const [text, setText] = useState(values.q ?? '')
  useEffect(() => setText(values.q ?? ''), [values.q])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change({ q: text.trim() || null })
  }
  return (
    <search>
      <form onSubmit={submit}>
        <Group align="flex-end" gap="sm" mb="md">
          <TextInput
            label="Search"
            description="A user, a host, an address, or part of a command"
            placeholder="systemctl restart"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            style={{ flex: '1 1 20rem' }}
            autoFocus
          />
          <TextInput
            label="From (UTC)"
            type="datetime-local"
            value={toLocal(values.from)}
            onChange={(event) => change({ from: toInstant(event.currentTarget.value) })}
          />
          <TextInput
            label="To (UTC)"
            type="datetime-local"
            value={toLocal(values.to)}
            onChange={(event) => change({ to: toInstant(event.currentTarget.value) })}
          />
          <Select
            label="State"
            placeholder="any"
            clearable
            data={states}
            value={values.state ?? null}
            onChange={(state) => change({ state })}
            w={160}
          />
          <Button type="submit">Search</Button>
        </Group>
      </form>
    </search>
  )
}

const Row = ({ session }: { session: Session }) => (
  <Table.Tr>
    <Table.Td>
      <Anchor component={Link} to={`/sessions/${session.id}`} size="sm">
        <Time at={session.startedAt} />
      </Anchor>
    </Table.Td>
    <Table.Td>
      <SessionState session={session} />
    </Table.Td>
    <Table.Td>
      <UserPivot value={session.user} />
      {session.runAs && session.runAs !== session.user && <Text span size="sm">{` → ${session.runAs}`}</Text>}
    </Table.Td>
    <Table.Td>
      <HostPivot value={session.bastion} />
    </Table.Td>
    <Table.Td>
      <AddressPivot value={session.sourceIp} />
    </Table.Td>
    <Table.Td>{session.durationMs === null ? '–' : formatDuration(session.durationMs)}</Table.Td>
    <Table.Td>{session.commandCount}</Table.Td>
    <Table.Td maw={320}>
      <div className="command-line" title={session.argv.join(' ')}>
        {startedAs(session)}
      </div>
    </Table.Td>
    <Table.Td>{session.exitSignal ?? session.exitCode ?? '–'}</Table.Td>
  </Table.Tr>
)

const Empty = () => (
  <Text mt="xl">
    No session matches. Nothing recorded yet? Follow “Record a real bastion” in the README, then log in over{' '}
    <Code>ssh</Code>.
  </Text>
)

export const SessionsPage = () => {
  const { values, change } = useFilters(filters)
  const sessions = useInfiniteQuery({
    queryKey: ['sessions', values],
    queryFn: ({ pageParam, signal }) => api.sessions({ ...values, ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
  return (
    <>
      <Title order={1} size="h2" mb="sm">
        Sessions
      </Title>
      <SearchBar />
      <ActiveFilters
        names={['user', 'bastion', 'sourceIp', 'connectionId'] as const}
        values={values}
        onRemove={(name) => change({ [name]: null })}
      />
      <EndlessList query={sessions} noun="sessions" empty={<Empty />}>
        {(items) => (
          <Table.ScrollContainer minWidth={900}>
            <Table highlightOnHover verticalSpacing="xs">
              <Table.Thead>
                <Table.Tr>
                  {['Started', 'State', 'User', 'Bastion', 'From', 'Duration', 'Commands', 'Started as', 'Exit'].map(
                    (name) => (
                      <Table.Th key={name}>{name}</Table.Th>
                    ),
                  )}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((session) => (
                  <Row key={session.id} session={session} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </EndlessList>
    </>
  )
}

import { Code, Select, Table, Text, Title } from '@mantine/core'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { api, type Session } from '../api.ts'
import { ActiveFilters } from '../components/active-filters.tsx'
import { EndlessList } from '../components/endless-list.tsx'
import { Head } from '../components/head.tsx'
import { AddressPivot, HostPivot, UserPivot } from '../components/pivots.tsx'
import { SearchBar } from '../components/search-bar.tsx'
import { SessionCells } from '../components/session-cells.tsx'
import { states } from '../components/session-state.tsx'
import { TimeRange } from '../components/time-range.tsx'
import { useFilters } from '../filters.ts'
import { startedAs } from '../started-as.ts'
import { formatDuration } from '../time.tsx'
import { visible } from '../visible.ts'

const filters = ['q', 'user', 'bastion', 'sourceIp', 'state', 'from', 'to', 'connectionId'] as const
const refreshMs = 3000

const Row = ({ session }: { session: Session }) => (
  <Table.Tr>
    <SessionCells session={session} />
    <Table.Td>
      <UserPivot value={session.user} />
      {session.runAs && session.runAs !== session.user && <Text span size="sm">{` → ${visible(session.runAs)}`}</Text>}
    </Table.Td>
    <Table.Td>
      <HostPivot value={session.bastion} />
    </Table.Td>
    <Table.Td>
      <AddressPivot value={session.sourceIp} />
    </Table.Td>
    <Table.Td style={{ whiteSpace: 'nowrap' }}>
      {session.durationMs === null ? '–' : formatDuration(session.durationMs)}
    </Table.Td>
    <Table.Td>{session.commandCount}</Table.Td>
    <Table.Td w="100%" maw={0}>
      <div className="command-line" title={visible(session.argv.join(' '))}>
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
      <title>Sessions · Bartizan</title>
      <Title order={1} size="h2" mb="sm">
        Sessions
      </Title>
      <SearchBar
        words={values.q}
        onSearch={(q) => change({ q })}
        description="A user, a host, an address, or part of a command"
        placeholder="systemctl restart"
      >
        <TimeRange values={values} onChange={change} />
        <Select
          label="State"
          placeholder="any"
          clearable
          data={states}
          value={values.state ?? null}
          onChange={(state) => change({ state })}
          w={160}
        />
      </SearchBar>
      <ActiveFilters
        names={['user', 'bastion', 'sourceIp', 'connectionId'] as const}
        values={values}
        onRemove={(name) => change({ [name]: null })}
      />
      <EndlessList query={sessions} noun="sessions" empty={<Empty />}>
        {(items) => (
          <Table.ScrollContainer minWidth={1040}>
            <Table highlightOnHover verticalSpacing="xs">
              <Head
                names={['Started', 'State', 'User', 'Bastion', 'From', 'Duration', 'Commands', 'Started as', 'Exit']}
              />
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

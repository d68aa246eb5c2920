import { Anchor, Select, Table, Text, Title } from '@mantine/core'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { api, type SessionEvent } from '../api.ts'
import { byCursor, pageAt } from '../by-cursor.ts'
import { ActiveFilters } from '../components/active-filters.tsx'
import { EndlessList } from '../components/endless-list.tsx'
import { AddressPivot, HostPivot, UserPivot } from '../components/pivots.tsx'
import { RowsTable } from '../components/rows-table.tsx'
import { SearchBar } from '../components/search-bar.tsx'
import { TimeRange } from '../components/time-range.tsx'
import { useFilters } from '../filters.ts'
import { formatBytes, Time } from '../time.tsx'
import { visible } from '../visible.ts'

const kinds = [
  'login',
  'login_failed',
  'session_started',
  'session_ended',
  'command',
  'file_transfer',
  'port_forward',
  'privilege_change',
  'posture',
  'recorder_health',
  'access',
]
const filters = ['q', 'kind', 'sessionId', 'user', 'sourceIp', 'bastion', 'target', 'outcome', 'from', 'to'] as const
const pivots = ['user', 'sourceIp', 'bastion', 'target', 'sessionId'] as const

/** Who reads here leaves traces of access: where nothing else was chosen they do not stand before everything else. */
const askedOf = (values: Record<(typeof filters)[number], string | undefined>) => ({
  ...values,
  kind: values.kind ?? kinds.filter((kind) => kind !== 'access').join(','),
})

/** The one line that says what an event is about. */
const summary = (event: SessionEvent): string => {
  switch (event.kind) {
    case 'login':
      return [event.method, event.keyFingerprint, event.certId].filter(Boolean).join(' · ')
    case 'login_failed':
      return [event.method, event.reason].filter(Boolean).join(' · ')
    case 'file_transfer':
      return [event.direction, formatBytes(event.sizeBytes), event.protocol, event.path].filter(Boolean).join(' · ')
    case 'port_forward':
      return `${event.direction} to ${event.destHost ?? '–'}:${event.destPort ?? '–'}`
    case 'posture':
      return `${event.check}: ${event.status}`
    case 'command':
      return event.line
    case 'access':
      return [event.action, event.object, event.reason, event.actor].filter(Boolean).join(' · ')
    case 'recorder_health':
      return [event.status, event.detail].filter(Boolean).join(' · ')
    case 'session_started':
      return [event.protocol, event.tty ? 'with a terminal' : 'without a terminal'].join(' · ')
    case 'session_ended':
      return event.exitSignal ? `signal ${event.exitSignal}` : `exit code ${event.exitCode ?? '–'}`
    case 'privilege_change':
      return `${event.fromUser ?? '–'} → ${event.toUser ?? '–'} (${event.method})`
  }
}

const Row = ({ event }: { event: SessionEvent }) => (
  <Table.Tr>
    <Table.Td>
      <Time at={event.at} />
    </Table.Td>
    <Table.Td style={{ whiteSpace: 'nowrap' }}>{event.kind}</Table.Td>
    <Table.Td>
      <UserPivot value={event.user} />
    </Table.Td>
    <Table.Td>
      <AddressPivot value={event.sourceIp} />
    </Table.Td>
    <Table.Td>
      <HostPivot value={event.bastion} />
    </Table.Td>
    <Table.Td w="100%" maw={0}>
      <div className="command-line" title={visible(summary(event))}>
        {visible(summary(event))}
      </div>
    </Table.Td>
    <Table.Td>
      {event.sessionId && (
        <Anchor
          component={Link}
          to={`/sessions/${event.sessionId}${event.kind === 'command' ? `?t=${Math.floor(event.atMs)}` : ''}`}
          size="sm"
        >
          session
        </Anchor>
      )}
    </Table.Td>
  </Table.Tr>
)

export const EventsPage = () => {
  const { values, change } = useFilters(filters)
  const events = useInfiniteQuery({
    queryKey: ['events', values],
    queryFn: ({ pageParam, signal }) => api.events({ ...askedOf(values), ...pageAt(pageParam) }, signal),
    ...byCursor,
    placeholderData: keepPreviousData,
  })
  return (
    <>
      <title>Events · Bartizan</title>
      <Title order={1} size="h2" mb="sm">
        Events
      </Title>
      <SearchBar words={values.q} onSearch={(q) => change({ q })} description="A user, an address, a command, a path">
        <Select
          label="Kind"
          placeholder="any but access"
          clearable
          data={kinds}
          value={values.kind ?? null}
          onChange={(kind) => change({ kind })}
          w={170}
        />
        <Select
          label="Outcome"
          placeholder="any"
          clearable
          data={['success', 'failure']}
          value={values.outcome ?? null}
          onChange={(outcome) => change({ outcome })}
          w={120}
        />
        <TimeRange values={values} onChange={change} />
      </SearchBar>
      <ActiveFilters names={pivots} values={values} onRemove={(name) => change({ [name]: null })} />
      <EndlessList query={events} noun="events" empty={<Text mt="xl">No event matches.</Text>}>
        {(items) => (
          <RowsTable minWidth={940} names={['At', 'Kind', 'User', 'From', 'Bastion', 'What', '']}>
            {items.map((event) => (
              <Row key={event.id} event={event} />
            ))}
          </RowsTable>
        )}
      </EndlessList>
    </>
  )
}

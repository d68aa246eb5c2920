import { Anchor, Group, Select, Table, Text, TextInput, Title } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import { api, type SessionEvent } from '../api.ts'
import { ActiveFilters } from '../components/active-filters.tsx'
import { EndlessList } from '../components/endless-list.tsx'
import { AddressPivot, HostPivot, UserPivot } from '../components/pivots.tsx'
import { toInstant, toLocal, useFilters } from '../filters.ts'
import { formatBytes, Time } from '../time.tsx'

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
const filters = ['q', 'kind', 'sessionId', 'user', 'sourceIp', 'bastion', 'outcome', 'from', 'to'] as const
const pivots = ['user', 'sourceIp', 'bastion', 'sessionId'] as const

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
    <Table.Td>{event.kind}</Table.Td>
    <Table.Td>
      <UserPivot value={event.user} />
    </Table.Td>
    <Table.Td>
      <AddressPivot value={event.sourceIp} />
    </Table.Td>
    <Table.Td>
      <HostPivot value={event.bastion} />
    </Table.Td>
    <Table.Td maw={600}>
      <div className="command-line" title={summary(event)}>
        {summary(event)}
      </div>
    </Table.Td>
    <Table.Td>
      {event.sessionId && (
        <Anchor component={Link} to={`/sessions/${event.sessionId}`} size="sm">
          session
        </Anchor>
      )}
    </Table.Td>
  </Table.Tr>
)

export const EventsPage = () => {
  const { values, change } = useFilters(filters)
  const [text, setText] = useState(values.q ?? '')
  const [settled] = useDebouncedValue(text.trim(), 300)
  const asked = { ...values, q: settled || undefined }
  const events = useInfiniteQuery({
    queryKey: ['events', asked],
    queryFn: ({ pageParam, signal }) => api.events({ ...asked, ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  })
  return (
    <>
      <Title order={1} size="h2" mb="sm">
        Events
      </Title>
      <Group align="flex-end" mb="md">
        <TextInput
          label="Search"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          style={{ flex: '1 1 20rem' }}
        />
        <Select
          label="Kind"
          placeholder="any"
          clearable
          data={kinds}
          value={values.kind ?? null}
          onChange={(kind) => change({ kind })}
        />
        <Select
          label="Outcome"
          placeholder="any"
          clearable
          data={['success', 'failure']}
          value={values.outcome ?? null}
          onChange={(outcome) => change({ outcome })}
          w={130}
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
      </Group>
      <ActiveFilters names={pivots} values={values} onRemove={(name) => change({ [name]: null })} />
      <EndlessList query={events} noun="events" empty={<Text mt="xl">No event matches.</Text>}>
        {(items) => (
          <Table.ScrollContainer minWidth={800}>
            <Table highlightOnHover verticalSpacing="xs">
              <Table.Thead>
                <Table.Tr>
                  {['At', 'Kind', 'User', 'From', 'Bastion', 'What', ''].map((name) => (
                    <Table.Th key={name}>{name}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((event) => (
                  <Row key={event.id} event={event} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </EndlessList>
    </>
  )
}

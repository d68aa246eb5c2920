import { Anchor, Code, Group, Select, Table, Text, TextInput, Title } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { api, type SessionEvent } from '../api.ts'
import { EndlessList } from '../components/endless-list.tsx'
import { Time } from '../time.tsx'

const kinds = ['session_started', 'session_ended', 'command', 'privilege_change', 'recorder_health', 'access']

/** The one line that says what an event is about. */
const summary = (event: SessionEvent): string => {
  switch (event.kind) {
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
    default:
      return ''
  }
}

const Row = ({ event }: { event: SessionEvent }) => (
  <Table.Tr>
    <Table.Td>
      <Time at={event.at} />
    </Table.Td>
    <Table.Td>{event.kind}</Table.Td>
    <Table.Td>{event.user ?? '–'}</Table.Td>
    <Table.Td>{event.bastion}</Table.Td>
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
  const [search, setSearch] = useSearchParams()
  const [text, setText] = useState(search.get('q') ?? '')
  const [settled] = useDebouncedValue(text.trim(), 300)
  const kind = search.get('kind') ?? undefined
  const sessionId = search.get('sessionId') ?? undefined
  const events = useInfiniteQuery({
    queryKey: ['events', kind, settled, sessionId],
    queryFn: ({ pageParam, signal }) =>
      api.events({ kind, q: settled || undefined, sessionId, ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
  })
  const setKind = (value: string | null) => {
    const next = new URLSearchParams(search)
    if (value) next.set('kind', value)
    else next.delete('kind')
    setSearch(next)
  }
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
        <Select label="Kind" placeholder="any" clearable data={kinds} value={kind ?? null} onChange={setKind} />
      </Group>
      {sessionId && (
        <Text size="sm" mb="sm">
          Of session <Code>{sessionId}</Code>
        </Text>
      )}
      <EndlessList query={events} noun="events" empty={<Text mt="xl">No event matches.</Text>}>
        {(items) => (
          <Table.ScrollContainer minWidth={800}>
            <Table highlightOnHover verticalSpacing="xs">
              <Table.Thead>
                <Table.Tr>
                  {['At', 'Kind', 'User', 'Bastion', 'What', ''].map((name) => (
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

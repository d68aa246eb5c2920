import { Code, Group, SegmentedControl, Select, Table, Text, Title } from '@mantine/core'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useOutletContext } from 'react-router'
import { may } from '../../../../services/access/permissions.ts'
import { api, type Me, Refusal, type Session } from '../api.ts'
import { byCursor, pageAt } from '../by-cursor.ts'
import { ActiveFilters } from '../components/active-filters.tsx'
import { EndlessList } from '../components/endless-list.tsx'
import { Facets } from '../components/facets.tsx'
import { FoundSessions, focusFirstHit } from '../components/found-sessions.tsx'
import { AddressPivot, HostPivot, UserPivot } from '../components/pivots.tsx'
import { QueryBox } from '../components/query-box.tsx'
import { QueryHints } from '../components/query-hints.tsx'
import { RowsTable } from '../components/rows-table.tsx'
import { SavedSearches } from '../components/saved-searches.tsx'
import { SearchExamples } from '../components/search-examples.tsx'
import { SessionCells } from '../components/session-cells.tsx'
import { states } from '../components/session-state.tsx'
import { TimeRange } from '../components/time-range.tsx'
import { useFilters } from '../filters.ts'
import { narrowed } from '../search/query-text.ts'
import { startedAs } from '../started-as.ts'
import { formatDuration, useZone } from '../time.tsx'
import { visible } from '../visible.ts'

const narrowing = ['user', 'bastion', 'sourceIp', 'state', 'connectionId'] as const
const filters = ['q', ...narrowing, 'from', 'to', 'view'] as const
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

const NothingRecorded = () => (
  <Text mt="xl">
    No session matches. Nothing recorded yet? Follow “Record a real bastion” in the README, then log in over{' '}
    <Code>ssh</Code>.
  </Text>
)

type Asked = Partial<Record<(typeof filters)[number] | 'tz', string | undefined>>

type Shown<A> = { asked: A; onError(error: Error | null): void; onSearch(q: string): void }

const SessionTable = ({ asked, onError, onSearch }: Shown<Asked>) => {
  const sessions = useInfiniteQuery({
    queryKey: ['sessions', asked],
    queryFn: ({ pageParam, signal }) => api.sessions({ ...asked, ...pageAt(pageParam) }, signal),
    ...byCursor,
    refetchInterval: ({ state }) => (state.error ? false : refreshMs),
    placeholderData: keepPreviousData,
  })
  useEffect(() => onError(sessions.error), [onError, sessions.error])
  if (isQueryWrong(sessions.error)) return null
  return (
    <>
      <QueryHints q={asked.q ?? ''} hints={sessions.data?.pages[0]?.hints} onSearch={onSearch} />
      <EndlessList query={sessions} noun="sessions" empty={<NothingRecorded />}>
        {(items) => (
          <RowsTable
            minWidth={1040}
            names={['Started', 'State', 'User', 'Bastion', 'From', 'Duration', 'Commands', 'Started as', 'Exit']}
          >
            {items.map((session) => (
              <Row key={session.id} session={session} />
            ))}
          </RowsTable>
        )}
      </EndlessList>
    </>
  )
}

const Hits = ({ asked, onError, onSearch }: Shown<Asked & { q: string }>) => {
  const found = useInfiniteQuery({
    queryKey: ['found', asked],
    queryFn: ({ pageParam, signal }) => api.searchSessions({ ...asked, ...pageAt(pageParam) }, signal),
    ...byCursor,
    placeholderData: keepPreviousData,
  })
  useEffect(() => onError(found.error), [onError, found.error])
  if (isQueryWrong(found.error)) return null
  return (
    <div className="search-results" aria-busy={found.isFetching}>
      <div>
        <QueryHints q={asked.q} hints={found.data?.pages[0]?.hints} onSearch={onSearch} />
        <EndlessList query={found} noun="sessions" empty={<SearchExamples onUse={onSearch} />}>
          {(items) => <FoundSessions items={items} q={asked.q} />}
        </EndlessList>
      </div>
      {found.data && <Facets asked={asked} onNarrow={(field, value) => onSearch(narrowed(asked.q, field, value))} />}
    </div>
  )
}

/** Shown at the box, with its place. */
const isQueryWrong = (error: Error | null): boolean => error instanceof Refusal && error.position !== undefined

const StateFilter = ({ value, onChange }: { value: string | undefined; onChange(state: string | null): void }) => (
  <Select label="State" placeholder="any" clearable data={states} value={value ?? null} onChange={onChange} w={150} />
)

const ViewSwitch = ({ showsHits, onChange }: { showsHits: boolean; onChange(view: 'table' | null): void }) => (
  <SegmentedControl
    size="xs"
    mb="sm"
    aria-label="Show"
    value={showsHits ? 'hits' : 'table'}
    onChange={(next) => onChange(next === 'table' ? next : null)}
    data={[
      { value: 'hits', label: 'Hits' },
      { value: 'table', label: 'Table' },
    ]}
  />
)

/** Where everybody begins: what runs and what was, and the one box over all of it. */
export const SessionsPage = () => {
  const { values, change } = useFilters(filters)
  const me = useOutletContext<Me>()
  const { zoneName } = useZone()
  const [error, setError] = useState<Error | null>(null)
  const { q, view, from, to } = values
  const mayFind = may(me.role, 'search') && q !== undefined
  const isNarrowed = narrowing.some((name) => values[name])
  const showsHits = mayFind && !isNarrowed && view !== 'table'
  const search = (words: string | null) => {
    setError(null)
    change({ q: words })
  }
  return (
    <>
      <title>{q ? `${visible(q)} · Bartizan` : 'Sessions · Bartizan'}</title>
      <Title order={1} size="h2" mb="sm">
        Sessions
      </Title>
      <Group align="flex-start" gap="sm" mb="md">
        <QueryBox words={q} error={error} onSearch={search} onDown={focusFirstHit} />
        <Group align="flex-end" gap="sm">
          <TimeRange values={values} onChange={change} />
          {!showsHits && <StateFilter value={values.state} onChange={(state) => change({ state })} />}
          {may(me.role, 'search') && <SavedSearches q={q} onUse={search} />}
        </Group>
      </Group>
      <ActiveFilters
        names={['user', 'bastion', 'sourceIp', 'connectionId'] as const}
        values={values}
        onRemove={(name) => change({ [name]: null })}
      />
      {mayFind && !isNarrowed && <ViewSwitch showsHits={showsHits} onChange={(next) => change({ view: next })} />}
      {showsHits ? (
        <Hits asked={{ q, from, to, tz: zoneName }} onError={setError} onSearch={search} />
      ) : (
        <SessionTable
          asked={{ ...values, view: undefined, ...(q && { tz: zoneName }) }}
          onError={setError}
          onSearch={search}
        />
      )}
    </>
  )
}

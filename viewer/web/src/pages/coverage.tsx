import { Group, Select, Table, Text, Title } from '@mantine/core'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { api, type CoverageDay } from '../api.ts'
import { byCursor, pageAt } from '../by-cursor.ts'
import { CoverageCell, lookOf, nextDay } from '../components/coverage-cell.tsx'
import { EndlessList } from '../components/endless-list.tsx'
import { HostPivot } from '../components/pivots.tsx'
import { Statements } from '../components/statements.tsx'
import { useFilters } from '../filters.ts'

const refreshMs = 30_000
const maxPages = 10 // of 500 days of bastions; more on demand
const dayMs = 86_400_000
const filters = ['days'] as const
const spans = ['7', '14', '31']

const today = (): string => new Date().toISOString().slice(0, 10)
const datesBack = (count: number): string[] => {
  const last = Date.parse(today())
  return Array.from({ length: count }, (_, n) => new Date(last - (count - 1 - n) * dayMs).toISOString().slice(0, 10))
}

const keyOf = (bastion: string, date: string): string => JSON.stringify([bastion, date])

const Grid = ({ items, dates }: { items: CoverageDay[]; dates: string[] }) => {
  const days = new Map(items.map((day) => [keyOf(day.bastion, day.date), day]))
  const bastions = [...new Set(items.map(({ bastion }) => bastion))].sort()
  return (
    <Table.ScrollContainer minWidth={Math.max(700, 160 + dates.length * 80)}>
      <Table className="coverage" withTableBorder withColumnBorders verticalSpacing={4}>
        <Table.Caption>
          Sessions that are whole / that any source saw, by bastion and day (UTC). A gap leads to its sessions.
        </Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Bastion</Table.Th>
            {dates.map((date) => (
              <Table.Th key={date} scope="col">
                <time dateTime={date}>{date.slice(5)}</time>
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {bastions.map((bastion) => (
            <Table.Tr key={bastion}>
              <Table.Th scope="row">
                <HostPivot value={bastion} />
              </Table.Th>
              {dates.map((date) => {
                const day = days.get(keyOf(bastion, date))
                return (
                  <Table.Td key={date} className={`coverage-${day ? lookOf(day) : 'quiet'}`}>
                    {day ? <CoverageCell day={day} /> : '–'}
                  </Table.Td>
                )
              })}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

export const CoveragePage = () => {
  const { values, change } = useFilters(filters)
  const span = values.days !== undefined && spans.includes(values.days) ? values.days : '7'
  const dates = datesBack(Number(span))
  const [from, to] = [`${dates[0]}T00:00:00.000Z`, `${nextDay(dates.at(-1)!)}T00:00:00.000Z`]
  const coverage = useInfiniteQuery({
    queryKey: ['coverage', from, to],
    queryFn: ({ pageParam, signal }) => api.coverage({ from, to, limit: '500', ...pageAt(pageParam) }, signal),
    ...byCursor,
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = coverage
  const isMoreDue = hasNextPage && !isFetchNextPageError && (coverage.data?.pages.length ?? 0) < maxPages
  // A grid with days left out would say that nothing was seen on them.
  useEffect(() => {
    if (isMoreDue && !isFetching) void fetchNextPage()
  }, [isMoreDue, isFetching, fetchNextPage])
  return (
    <>
      <title>Coverage · Bartizan</title>
      <Group justify="space-between" mb="sm">
        <Title order={1} size="h2">
          Coverage
        </Title>
        <Select
          label="Days"
          data={spans}
          value={span}
          allowDeselect={false}
          onChange={(days) => change({ days })}
          w={90}
        />
      </Group>
      <EndlessList
        query={coverage}
        noun="days of bastions"
        empty={<Text mt="xl">No source saw a session on these days.</Text>}
      >
        {(items) => <Grid items={items} dates={dates} />}
      </EndlessList>
      {hasNextPage && !isMoreDue && (
        <Text size="sm" mt="xs">
          Not all of it is shown yet: “–” may stand for days that follow with “Show more”.
        </Text>
      )}
      <Statements from={from} to={to} />
    </>
  )
}

import { Anchor, Select, Table, Text, Title } from '@mantine/core'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { type AlertRow, api } from '../api.ts'
import { byCursor, pageAt } from '../by-cursor.ts'
import { ActiveFilters } from '../components/active-filters.tsx'
import { EndlessList } from '../components/endless-list.tsx'
import { AddressPivot, HostPivot, UserPivot } from '../components/pivots.tsx'
import { RowsTable } from '../components/rows-table.tsx'
import { SearchBar } from '../components/search-bar.tsx'
import { SeverityBadge, StatusText, severities, statuses } from '../components/severity.tsx'
import { TimeRange } from '../components/time-range.tsx'
import { type Filters, useFilters } from '../filters.ts'
import { Time } from '../time.tsx'
import { visible } from '../visible.ts'

const filters = ['q', 'status', 'severity', 'rule', 'user', 'sourceIp', 'bastion', 'sessionId', 'from', 'to'] as const
const pivots = ['user', 'sourceIp', 'bastion', 'sessionId'] as const
const refreshMs = 3000
const anyStatus = 'all'

const Narrowing = ({ values, change }: Filters<(typeof filters)[number]>) => {
  const rules = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => api.rules(signal) })
  return (
    <>
      <Select
        label="Status"
        data={[...statuses, { value: anyStatus, label: 'any' }]}
        value={values.status ?? 'open'}
        allowDeselect={false}
        onChange={(status) => change({ status: status === 'open' ? null : status })}
        w={150}
      />
      <Select
        label="Severity"
        placeholder="any but info"
        clearable
        data={severities}
        value={values.severity ?? null}
        onChange={(severity) => change({ severity })}
        w={140}
      />
      <Select
        label="Rule"
        placeholder="any"
        clearable
        data={rules.data?.items.map(({ id, title }) => ({ value: id, label: title })) ?? []}
        value={values.rule ?? null}
        onChange={(rule) => change({ rule })}
        w={230}
      />
      <TimeRange values={values} onChange={change} />
    </>
  )
}

const Row = ({ alert }: { alert: AlertRow }) => (
  <Table.Tr>
    <Table.Td>
      <SeverityBadge severity={alert.severity} />
    </Table.Td>
    <Table.Td>
      <Time at={alert.at} />
    </Table.Td>
    <Table.Td maw={420}>
      <div className="what breakable">
        <Anchor component={Link} to={`/alerts/${alert.id}`} size="sm" lineClamp={3} title={visible(alert.title)}>
          {visible(alert.title)}
        </Anchor>
        <Text size="xs" c="dimmed" lineClamp={2} title={visible(alert.explanation)}>
          {visible(alert.explanation)}
        </Text>
      </div>
    </Table.Td>
    <Table.Td>
      <UserPivot value={alert.user} />
    </Table.Td>
    <Table.Td>
      <AddressPivot value={alert.sourceIp} />
    </Table.Td>
    <Table.Td>
      <HostPivot value={alert.bastion} />
    </Table.Td>
    <Table.Td>{alert.count}</Table.Td>
    <Table.Td>
      <StatusText alert={alert} />
    </Table.Td>
  </Table.Tr>
)

/** What is asked of the API: open ones, and no findings, where nothing else was chosen. */
const askedOf = (values: Record<(typeof filters)[number], string | undefined>) => ({
  ...values,
  status: values.status === anyStatus ? undefined : (values.status ?? 'open'),
  severity: values.severity ?? severities.filter((severity) => severity !== 'info').join(','),
  ...(values.status === anyStatus && { suppressed: 'true' }),
})

export const AlertsPage = () => {
  const narrowed = useFilters(filters)
  const { values, change } = narrowed
  const alerts = useInfiniteQuery({
    queryKey: ['alerts', values],
    queryFn: ({ pageParam, signal }) => api.alerts({ ...askedOf(values), ...pageAt(pageParam) }, signal),
    ...byCursor,
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
  return (
    <>
      <title>Alerts · Bartizan</title>
      <Title order={1} size="h2" mb="sm">
        Alerts
      </Title>
      <SearchBar
        words={values.q}
        onSearch={(q) => change({ q })}
        description="A user, an address, or words of the explanation"
      >
        <Narrowing {...narrowed} />
      </SearchBar>
      <ActiveFilters names={pivots} values={values} onRemove={(name) => change({ [name]: null })} />
      <EndlessList
        query={alerts}
        noun="alerts"
        empty={<Text mt="xl">No alert matches. Nothing is waiting for anybody here.</Text>}
      >
        {(items) => (
          <RowsTable minWidth={900} names={['Severity', 'At', 'What', 'User', 'From', 'Bastion', 'Count', 'Status']}>
            {items.map((alert) => (
              <Row key={alert.id} alert={alert} />
            ))}
          </RowsTable>
        )}
      </EndlessList>
    </>
  )
}

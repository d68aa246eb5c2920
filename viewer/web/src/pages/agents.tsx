import { Anchor, Badge, Group, Loader, Table, Text, Title } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link, useOutletContext } from 'react-router'
import { type Agent, api, type Findings, type Me } from '../api.ts'
import { Certificates } from '../components/certificates.tsx'
import { Enrol } from '../components/enrol.tsx'
import { Failure } from '../components/failure.tsx'
import { HostPivot } from '../components/pivots.tsx'
import { Revoke } from '../components/revoke.tsx'
import { RowsTable } from '../components/rows-table.tsx'
import { formatDuration, Time } from '../time.tsx'
import { visible } from '../visible.ts'

const refreshMs = 5_000
const postureRefreshMs = 60_000
const columns = ['Bastion', 'Heard', 'Version', 'Clock', 'Spool', 'Open sessions', 'Hooks', 'Certificate', 'Posture']

const Concern = ({ children }: { children: ReactNode }) => (
  <Badge color="orange" variant="light" className="badge">
    {children}
  </Badge>
)
/** Words that belong together. */
const Whole = ({ children }: { children: ReactNode }) => <span style={{ whiteSpace: 'nowrap' }}>{children}</span>

const marked = (isConcern: boolean, text: string): ReactNode =>
  isConcern ? <Concern>{text}</Concern> : <Whole>{text}</Whole>

const Heard = ({ agent: { heardAtMs, concerns, way } }: { agent: Agent }) => (
  <>
    {heardAtMs === null ? (
      'never'
    ) : (
      <Text size="sm" component="div" style={{ whiteSpace: 'nowrap' }}>
        {concerns.includes('silent') && <Concern>silent since</Concern>} <Time at={heardAtMs} />
      </Text>
    )}
    {way?.via && (
      <Text size="xs" c="dimmed">
        through {visible(way.via)}
      </Text>
    )}
  </>
)

const offsetText = (ms: number): string => `${ms < 0 ? '−' : '+'}${formatDuration(Math.abs(ms))}`

const Spool = ({ status, isConcern }: { status: NonNullable<Agent['status']>; isConcern: boolean }) => (
  <>
    {marked(isConcern, `${Math.round(status.spoolShare * 100)} %`)}
    {status.spoolOldestMs >= 1_000 && (
      <Text size="xs" c="dimmed">
        oldest {formatDuration(status.spoolOldestMs)}
      </Text>
    )}
  </>
)

const Hooks = ({ hooks }: { hooks: NonNullable<Agent['status']>['hooks'] }) =>
  hooks.length === 0
    ? 'none'
    : hooks.map(({ name, listening, lastError }) => (
        <div key={name} title={lastError === null ? undefined : visible(lastError)}>
          {listening ? visible(name) : <Concern>{visible(name)} down</Concern>}
        </div>
      ))

/** How it said it was when it was last heard. */
const Health = ({ agent: { bastion, status, concerns } }: { agent: Agent }) =>
  status === null ? (
    ['clock', 'spool', 'sessions', 'hooks'].map((name) => <Table.Td key={name}>–</Table.Td>)
  ) : (
    <>
      <Table.Td>
        {status.clockOffsetMs === null ? '–' : marked(concerns.includes('clock'), offsetText(status.clockOffsetMs))}
      </Table.Td>
      <Table.Td>
        <Spool status={status} isConcern={concerns.includes('spool')} />
      </Table.Td>
      <Table.Td>
        <Anchor component={Link} size="sm" to={`/sessions?bastion=${encodeURIComponent(bastion)}&state=open`}>
          {status.openSessions}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <Hooks hooks={status.hooks} />
      </Table.Td>
    </>
  )

const Posture = ({ bastion, findings }: { bastion: string; findings: Findings | undefined }) => {
  if (!findings) return '–'
  const { fail, warn } = findings
  const text = fail + warn === 0 ? 'nothing open' : `${fail} fail, ${warn} warn`
  return (
    <Anchor component={Link} size="sm" to={`/events?kind=posture&bastion=${encodeURIComponent(bastion)}`}>
      <Whole>{text}</Whole>
    </Anchor>
  )
}

const Row = (props: { agent: Agent; findings: Findings | undefined; nowMs: number; mayChange: boolean }) => {
  const { agent, findings, nowMs, mayChange } = props
  return (
    <Table.Tr>
      <Table.Td>
        <HostPivot value={agent.bastion} />
        {agent.way?.relayNames && (
          <Text size="xs" c="dimmed">
            relay
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Heard agent={agent} />
      </Table.Td>
      <Table.Td>{agent.version === null ? '–' : visible(agent.version)}</Table.Td>
      <Health agent={agent} />
      <Table.Td>
        <Certificates all={agent.certificates} nowMs={nowMs} />
      </Table.Td>
      <Table.Td>
        <Posture bastion={agent.bastion} findings={findings} />
      </Table.Td>
      {mayChange && (
        <Table.Td>
          <Group gap="xs" wrap="nowrap">
            <Enrol agent={agent} label={agent.way ? 'Enrol again' : 'Enrol'} relays={[]} />
            <Revoke bastion={agent.bastion} />
          </Group>
        </Table.Td>
      )}
    </Table.Tr>
  )
}

const Agents = ({ items, nowMs, mayChange }: { items: Agent[]; nowMs: number; mayChange: boolean }) => {
  const posture = useQuery({
    queryKey: ['posture'],
    queryFn: ({ signal }) => api.posture(signal),
    refetchInterval: postureRefreshMs,
  })
  const findingsOf = (name: string) => posture.data?.items.find(({ bastion }) => bastion === name)
  return (
    <>
      {posture.error && <Failure error={posture.error} onRetry={posture.refetch} />}
      <RowsTable minWidth={1040} names={[...columns, ...(mayChange ? ['Actions'] : [])]}>
        {items.map((agent) => (
          <Row key={agent.bastion} {...{ agent, nowMs, mayChange, findings: findingsOf(agent.bastion) }} />
        ))}
      </RowsTable>
      {posture.data?.complete === false && (
        <Text size="sm" c="dimmed" mt="xs">
          More was said than is counted here: there may be more findings.
        </Text>
      )}
    </>
  )
}

export const AgentsPage = () => {
  const mayChange = useOutletContext<Me>().role === 'admin'
  const agents = useQuery({
    queryKey: ['agents'],
    queryFn: ({ signal }) => api.agents(signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
  const relays = agents.data?.items.filter(({ way }) => way?.relayNames).map(({ bastion }) => bastion) ?? []
  return (
    <>
      <title>Agents · Bartizan</title>
      <Group justify="space-between" mb="sm">
        <Title order={1} size="h2">
          Agents
        </Title>
        {mayChange && <Enrol label="Enrol a bastion" relays={relays} />}
      </Group>
      {agents.error && <Failure error={agents.error} onRetry={agents.refetch} />}
      {agents.isPending && <Loader aria-label="Loading agents" />}
      {agents.data?.items.length === 0 && (
        <Text mt="xl">
          No agent is enrolled, and none was heard. “Enrol a bastion” makes the command for the first one.
        </Text>
      )}
      {agents.data && agents.data.items.length > 0 && (
        <Agents items={agents.data.items} nowMs={agents.dataUpdatedAt} mayChange={mayChange} />
      )}
    </>
  )
}

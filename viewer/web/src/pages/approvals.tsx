import { Anchor, Badge, Button, Group, SegmentedControl, Table, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useOutletContext } from 'react-router'
import { may } from '../../../../services/access/permissions.ts'
import { type Approval, api, type Me } from '../api.ts'
import { byCursor, pageAt } from '../by-cursor.ts'
import { EndlessList } from '../components/endless-list.tsx'
import { ReasonDialog } from '../components/reason-dialog.tsx'
import { RowsTable } from '../components/rows-table.tsx'
import { Time } from '../time.tsx'
import { visible } from '../visible.ts'

const refreshMs = 5_000

const actions = {
  'hold.lift': {
    label: 'lift the hold',
    needs: 'custody.approve',
    means: 'The session can be erased and disposed of.',
  },
  erasure: {
    label: 'erase',
    needs: 'custody.approve',
    means: 'The key of the session is destroyed: what was recorded can never be read again.',
  },
  'access.view': {
    label: 'see what was recorded',
    needs: 'access.approve',
    means: 'Whoever asked sees what was recorded in this session, for a time.',
  },
} as const

const colors: Record<Approval['state'], string> = {
  open: 'orange',
  approved: 'teal',
  refused: 'red',
  expired: 'gray',
  done: 'gray',
}

/** The server decides; this is what it would say. */
const whyNot = ({ action, requestedBy }: Approval, me: Me): string | null => {
  if (requestedBy.name.trim().toLowerCase() === me.name.trim().toLowerCase()) return 'Yours: another person decides.'
  return may(me.role, actions[action].needs) ? null : 'Another role decides.'
}

const Decide = ({ approval }: { approval: Approval }) => {
  const [decision, setDecision] = useState<'approved' | 'refused' | null>(null)
  const queryClient = useQueryClient()
  const { label, means } = actions[approval.action]
  const decide = async (reason: string) => {
    try {
      await api.decide(approval.id, decision!, reason)
    } finally {
      await queryClient.invalidateQueries({ queryKey: ['approvals'] })
    }
  }
  const verb = decision === 'refused' ? 'Refuse' : 'Approve'
  return (
    <Group gap="xs" wrap="nowrap">
      <Button size="xs" variant="default" onClick={() => setDecision('approved')}>
        Approve
      </Button>
      <Button size="xs" variant="default" onClick={() => setDecision('refused')}>
        Refuse
      </Button>
      {decision && (
        <ReasonDialog
          opened
          onClose={() => setDecision(null)}
          title={`${verb}: ${label}`}
          asks={decision === 'approved' ? means : 'Nothing is done. Whoever asked sees your reason.'}
          confirm={verb}
          {...(decision === 'approved' && approval.action === 'erasure' && { color: 'red' })}
          act={decide}
        />
      )}
    </Group>
  )
}

const Decision = ({ approval, me }: { approval: Approval; me: Me }) => {
  const { state, decidedBy, decidedAt, decisionReason } = approval
  if (state === 'open') {
    const why = whyNot(approval, me)
    return why === null ? <Decide approval={approval} /> : <Text size="sm">{why}</Text>
  }
  return (
    <>
      <Badge className="badge" variant="light" color={colors[state]}>
        {state}
      </Badge>
      {decidedBy && decidedAt && (
        <Text size="sm" className="breakable">
          {visible(decidedBy.name)}, <Time at={decidedAt} />: {visible(decisionReason ?? '')}
        </Text>
      )}
    </>
  )
}

const Row = ({ approval, me }: { approval: Approval; me: Me }) => (
  <Table.Tr>
    <Table.Td>
      <Time at={approval.requestedAt} />
    </Table.Td>
    <Table.Td>{visible(approval.requestedBy.name)}</Table.Td>
    <Table.Td>{actions[approval.action].label}</Table.Td>
    <Table.Td>
      <Anchor component={Link} size="sm" to={`/sessions/${approval.subject}`}>
        {approval.subject}
      </Anchor>
    </Table.Td>
    <Table.Td className="breakable what">{visible(approval.reason)}</Table.Td>
    <Table.Td>{approval.state === 'open' ? <Time at={approval.expiresAt} /> : '–'}</Table.Td>
    <Table.Td>
      <Decision approval={approval} me={me} />
    </Table.Td>
  </Table.Tr>
)

export const ApprovalsPage = () => {
  const me = useOutletContext<Me>()
  const [which, setWhich] = useState('open')
  const approvals = useInfiniteQuery({
    queryKey: ['approvals', which],
    queryFn: ({ pageParam, signal }) =>
      api.approvals({ ...(which === 'open' && { state: 'open' }), ...pageAt(pageParam) }, signal),
    ...byCursor,
    refetchInterval: refreshMs,
  })
  return (
    <>
      <title>Approvals · Bartizan</title>
      <Group justify="space-between" mb="sm">
        <Title order={1} size="h2">
          Approvals
        </Title>
        <SegmentedControl
          aria-label="Which requests"
          value={which}
          onChange={setWhich}
          data={[
            { value: 'open', label: 'Open' },
            { value: 'all', label: 'All' },
          ]}
        />
      </Group>
      <EndlessList query={approvals} noun="requests" empty={<Text mt="xl">Nothing waits for a second person.</Text>}>
        {(items) => (
          <RowsTable minWidth={1040} names={['Asked', 'By', 'To', 'Session', 'Why', 'Open until', 'Decision']}>
            {items.map((approval) => (
              <Row key={approval.id} approval={approval} me={me} />
            ))}
          </RowsTable>
        )}
      </EndlessList>
    </>
  )
}

import { Anchor, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { type AlertRow, api, type Parameters } from '../api.ts'
import { Time } from '../time.tsx'
import { visible } from '../visible.ts'
import { Failure } from './failure.tsx'
import { SeverityBadge, StatusText } from './severity.tsx'

const few = '10'

/** The latest alerts about one thing, suppressed ones and mere findings among them; `more`: what stands beside each. */
export const AlertList = ({ about, more }: { about: Parameters; more?: (alert: AlertRow) => ReactNode }) => {
  const alerts = useQuery({
    queryKey: ['alerts', 'about', about],
    queryFn: ({ signal }) => api.alerts({ ...about, limit: few, suppressed: 'true' }, signal),
  })
  if (alerts.error) return <Failure error={alerts.error} onRetry={alerts.refetch} />
  if (!alerts.data) return <Text size="sm">Loading …</Text>
  if (alerts.data.items.length === 0) return <Text size="sm">None.</Text>
  return (
    <Table verticalSpacing={4}>
      <Table.Tbody>
        {alerts.data.items.map((alert) => (
          <Table.Tr key={alert.id}>
            <Table.Td w={95} pl={0}>
              <SeverityBadge severity={alert.severity} />
            </Table.Td>
            <Table.Td className="breakable">
              <Anchor component={Link} to={`/alerts/${alert.id}`} size="sm">
                {visible(alert.title)}
              </Anchor>
              <Text size="xs" c="dimmed">
                <Time at={alert.at} /> · <StatusText alert={alert} />
              </Text>
            </Table.Td>
            {more && (
              <Table.Td w={70} pr={0}>
                {more(alert)}
              </Table.Td>
            )}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

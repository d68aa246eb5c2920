import { Table, Text } from '@mantine/core'
import type { Certificate } from '../api.ts'
import { formatTime, Time, useZone } from '../time.tsx'

const words = { good: 'good until', revoked: 'revoked', expired: 'expired' }

const standingOf = ({ revokedAtMs, expiresAtMs }: Certificate, nowMs: number): keyof typeof words => {
  if (revokedAtMs !== null) return 'revoked'
  return nowMs < expiresAtMs ? 'good' : 'expired'
}

/** The newest good one's end; behind it all of them, newest first, each with its fingerprint. */
export const Certificates = ({ all, nowMs }: { all: readonly Certificate[]; nowMs: number }) => {
  const { zone } = useZone()
  if (all.length === 0) return <Text size="sm">none</Text>
  const newestFirst = all.toReversed()
  const good = newestFirst.find((one) => standingOf(one, nowMs) === 'good')
  return (
    <details>
      <summary>
        {good ? `until ${formatTime(good.expiresAtMs, zone).slice(0, 10)}` : standingOf(newestFirst[0]!, nowMs)}
      </summary>
      <Table verticalSpacing={2} horizontalSpacing={6} aria-label="Certificates">
        <Table.Tbody>
          {newestFirst.map((one) => (
            <Table.Tr key={one.sha256}>
              <Table.Td ff="monospace" title={`SHA-256 ${one.sha256}`}>
                {one.sha256.slice(0, 16)}
              </Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                {words[standingOf(one, nowMs)]} <Time at={one.revokedAtMs ?? one.expiresAtMs} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </details>
  )
}

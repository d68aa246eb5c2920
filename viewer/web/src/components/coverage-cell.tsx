import { Anchor, Text } from '@mantine/core'
import { Link } from 'react-router'
import { type CoverageDay, gapNames } from '../api.ts'
import { formatDuration } from '../time.tsx'

const dayMs = 86_400_000
export const nextDay = (date: string): string => new Date(Date.parse(date) + dayMs).toISOString().slice(0, 10)

const labels = {
  missing: 'missing',
  truncated: 'truncated',
  recorder_killed: 'recorder killed',
  late: 'late',
  tunnel_only: 'tunnel only',
} as const

export const gapsOf = ({ gaps }: Pick<CoverageDay, 'gaps'>) => gapNames.filter((name) => gaps[name] > 0)

export const gapText = ({ gaps }: Pick<CoverageDay, 'gaps'>, name: (typeof gapNames)[number]): string =>
  `${gaps[name]} ${labels[name]}`

/** `whole`: all that was seen was recorded from first to last byte, as far as it has ended. */
export const lookOf = (day: CoverageDay): 'quiet' | 'whole' | 'gaps' => {
  if (gapsOf(day).length > 0 || day.agentSilentMs > 0) return 'gaps'
  return day.seen === 0 ? 'quiet' : 'whole'
}

const linkOf = ({ bastion, date }: CoverageDay, state: string): string => {
  const range = { from: `${date}T00:00:00.000Z`, to: `${nextDay(date)}T00:00:00.000Z` }
  return `/sessions?${new URLSearchParams({ bastion, state, ...range })}`
}

/** A day of a bastion: how many sessions were seen, how many are whole, and each sort of gap with a way to it. */
export const CoverageCell = ({ day }: { day: CoverageDay }) => (
  <>
    <Text size="sm" fw={600} component="div">
      {day.complete}/{day.seen}
      {day.open > 0 && (
        <Text span size="xs" fw={400}>
          {' '}
          ({day.open} open)
        </Text>
      )}
    </Text>
    {gapsOf(day).map((name) => (
      <Anchor key={name} component={Link} to={linkOf(day, name)} size="xs" display="block" className="gap">
        {gapText(day, name)}
      </Anchor>
    ))}
    {day.agentSilentMs > 0 && (
      <Text size="xs" component="div">
        agent silent {formatDuration(day.agentSilentMs)}
      </Text>
    )}
  </>
)

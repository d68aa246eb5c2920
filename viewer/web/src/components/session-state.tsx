import { Badge, Tooltip } from '@mantine/core'
import type { Session } from '../api.ts'

const looks: Record<Session['state'], { color: string; label: string; meaning: string }> = {
  open: { color: 'red.8', label: 'live', meaning: 'The session is running and being recorded.' },
  complete: { color: 'teal', label: 'complete', meaning: 'Recorded from its first to its last byte.' },
  missing: { color: 'orange', label: 'missing', meaning: 'Another source saw this session; no recorder did.' },
  truncated: { color: 'orange', label: 'truncated', meaning: 'The recording was cut off before the session ended.' },
  recorder_killed: { color: 'orange', label: 'recorder killed', meaning: 'The recorder at the bastion was killed.' },
  late: { color: 'yellow', label: 'late', meaning: 'Part of the recording has not arrived yet.' },
  tunnel_only: { color: 'orange', label: 'tunnel only', meaning: 'A login that only forwarded connections.' },
}

export const states = Object.entries(looks).map(([value, { label }]) => ({ value, label }))

export const SessionState = ({ session }: { session: Session }) => {
  const { color, label, meaning } = looks[session.state]
  return (
    <Tooltip label={meaning}>
      <Badge color={color} variant={session.state === 'open' ? 'filled' : 'light'} tabIndex={0} className="badge">
        {label}
      </Badge>
    </Tooltip>
  )
}

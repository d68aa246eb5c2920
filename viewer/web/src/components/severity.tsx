import { Badge } from '@mantine/core'
import type { AlertRow, AlertStatus, Severity } from '../api.ts'

/** Each is read at 4.5:1 on its ground, light and dark (WCAG 1.4.3). */
const looks: Record<Severity, { color: string; variant: 'filled' | 'light' }> = {
  critical: { color: 'red.9', variant: 'filled' },
  high: { color: 'red.8', variant: 'filled' },
  medium: { color: 'orange', variant: 'light' },
  low: { color: 'blue', variant: 'light' },
  info: { color: 'gray', variant: 'light' },
}
export const severities = Object.keys(looks) as Severity[]

export const SeverityBadge = ({ severity }: { severity: Severity }) => (
  <Badge {...looks[severity]} className="badge">
    {severity}
  </Badge>
)

const statusTexts: Record<AlertStatus, string> = {
  open: 'open',
  acknowledged: 'acknowledged',
  resolved: 'resolved',
  false_positive: 'false positive',
}
export const statuses = Object.entries(statusTexts).map(([value, label]) => ({ value, label }))

export const StatusText = ({ alert }: { alert: AlertRow }) => (
  <>
    {statusTexts[alert.status]}
    {alert.withdrawn && ' (withdrawn)'}
    {alert.suppressedBy && ' (suppressed)'}
  </>
)

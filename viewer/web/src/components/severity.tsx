import { Badge } from '@mantine/core'
import type { AlertRow, AlertStatus, Severity } from '../api.ts'

const colors: Record<Severity, string> = {
  critical: 'red.9',
  high: 'red.8',
  medium: 'orange.8',
  low: 'yellow.8',
  info: 'gray.6',
}
export const severities = Object.keys(colors) as Severity[]

export const SeverityBadge = ({ severity }: { severity: Severity }) => (
  <Badge color={colors[severity]} variant={severity === 'critical' || severity === 'high' ? 'filled' : 'outline'}>
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

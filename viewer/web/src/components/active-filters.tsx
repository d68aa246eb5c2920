import { Button, Group } from '@mantine/core'
import { visible } from '../visible.ts'

const labels: Record<string, string> = {
  sourceIp: 'from',
  sessionId: 'session',
  connectionId: 'connection',
  target: 'host',
}

/** What the list is narrowed to, each to be taken away by a click. */
export const ActiveFilters = <N extends string>(props: {
  names: readonly N[]
  values: Record<N, string | undefined>
  onRemove(name: N): void
}) => {
  const active = props.names.filter((name) => props.values[name])
  if (active.length === 0) return null
  return (
    <Group gap="xs" mb="sm">
      {active.map((name) => (
        <Button key={name} size="compact-sm" variant="light" onClick={() => props.onRemove(name)} maw="100%">
          {labels[name] ?? name}: {visible(props.values[name] ?? '')} ×
        </Button>
      ))}
    </Group>
  )
}

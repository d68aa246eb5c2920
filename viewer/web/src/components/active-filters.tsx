import { Button, Group } from '@mantine/core'

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
        <Button key={name} size="compact-sm" variant="light" onClick={() => props.onRemove(name)}>
          {name}: {props.values[name]} ×
        </Button>
      ))}
    </Group>
  )
}

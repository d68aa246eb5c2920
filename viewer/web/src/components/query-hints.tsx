import { Button, Group, Text } from '@mantine/core'
import type { QueryHint } from '../api.ts'
import { visible } from '../visible.ts'

const mended = (q: string, { position: { start, end }, instead }: QueryHint): string =>
  q.slice(0, start) + instead + q.slice(end)

/** What was looked for as text and looks like a field: said, as nothing may have been found for that reason. */
export const QueryHints = (props: {
  q: string
  hints: readonly QueryHint[] | undefined
  onSearch(q: string): void
}) => {
  const { q, hints = [], onSearch } = props
  if (hints.length === 0) return null
  return (
    <div role="status" aria-label="Hints">
      {hints.map((hint) => (
        <Group key={hint.position.start} gap="sm" mb="xs">
          <Text size="sm">{visible(hint.message)}</Text>
          <Button size="compact-xs" variant="default" onClick={() => onSearch(mended(q, hint))}>
            {hint.instead}
          </Button>
        </Group>
      ))}
    </div>
  )
}

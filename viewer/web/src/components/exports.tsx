import { Button, Group } from '@mantine/core'
import { useWhy, withWhy } from '../why.ts'

/** What can be taken away of a session, with the reason that was given for seeing it. */
export const Exports = ({ id }: { id: string }) => {
  const why = useWhy(id)
  return (
    <Group gap="xs">
      {[
        ['cast', 'asciicast'],
        ['txt', 'text'],
        ['ndjson', 'NDJSON, every byte'],
        ['evidence', 'evidence with its proofs'],
      ].map(([format, label]) => (
        <Button
          key={format}
          component="a"
          href={withWhy(`/api/sessions/${id}/export?format=${format}`, why)}
          size="xs"
          variant="default"
          download
        >
          Export {label}
        </Button>
      ))}
    </Group>
  )
}

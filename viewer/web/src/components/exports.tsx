import { Button, Menu } from '@mantine/core'
import { useWhy, withWhy } from '../why.ts'

const formats = [
  ['cast', 'asciicast v2', 'for asciinema and its player'],
  ['castv3', 'asciicast v3', 'for asciinema 3'],
  ['transcript', 'Transcript', 'what was to be seen, with times'],
  ['txt', 'Text', 'the output without its controls'],
  ['ndjson', 'NDJSON', 'every byte, both ways'],
  ['evidence', 'Evidence', 'with its proofs, to be verified elsewhere'],
] as const

/** What can be taken away of a session, with the reason that was given for seeing it. */
export const Exports = ({ id }: { id: string }) => {
  const why = useWhy(id)
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button size="xs" variant="default">
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {formats.map(([format, label, meaning]) => (
          <Menu.Item
            key={format}
            component="a"
            href={withWhy(`/api/sessions/${id}/export?format=${format}`, why)}
            download
            fz="sm"
          >
            <b>{label}</b>: {meaning}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

import { Badge, Group, Text, UnstyledButton } from '@mantine/core'
import type { Command } from '../api.ts'
import { formatOffset } from '../time.tsx'
import { visible } from '../visible.ts'

const Row = ({ command, onJump }: { command: Command; onJump: (atMs: number) => void }) => (
  <UnstyledButton
    component="li"
    role="button"
    tabIndex={0}
    onClick={() => onJump(command.atMs)}
    onKeyDown={(event: React.KeyboardEvent) => {
      if (event.key === 'Enter' || event.key === ' ') onJump(command.atMs)
    }}
    title={`Jump to ${formatOffset(command.atMs)}: ${visible(command.line)}`}
    style={{ display: 'block', padding: '2px 0' }}
  >
    <Group gap="xs" wrap="nowrap">
      <Text size="xs" c="dimmed" ff="monospace" w={52} ta="right">
        {formatOffset(command.atMs)}
      </Text>
      <div className="command-line" style={{ flex: 1 }}>
        {visible(command.line)}
      </div>
      {command.startup && (
        <Badge size="xs" variant="default">
          start-up
        </Badge>
      )}
      {command.childCount > 0 && (
        <Badge
          size="xs"
          variant="light"
          title={command.children.map((child) => visible(child.argv.join(' '))).join('\n')}
        >
          +{command.childCount}
        </Badge>
      )}
    </Group>
  </UnstyledButton>
)

/** Typed lines and programs in order; a click plays from there. */
export const CommandList = ({ commands, onJump }: { commands: Command[]; onJump: (atMs: number) => void }) => (
  <ol style={{ listStyle: 'none', margin: 0, padding: 0, maxHeight: '24rem', overflowY: 'auto' }} aria-label="Commands">
    {commands.map((command) => (
      <Row key={`${command.atMs}-${command.line}-${command.via}`} command={command} onJump={onJump} />
    ))}
  </ol>
)

import { Badge, Group, Text, UnstyledButton } from '@mantine/core'
import { useEffect, useRef } from 'react'
import type { Command } from '../api.ts'
import { formatOffset } from '../time.tsx'
import { visible } from '../visible.ts'

const sources: Record<NonNullable<Command['source']>, string> = {
  exec: 'a record of the program',
  both: 'keys and screen',
  screen: 'the screen',
  keys: 'the keys alone',
}
const unsure = 0.9

/** Where it is known from, and how sure that is. */
const known = ({ source, confidence }: Command): string =>
  source
    ? `\nKnown from ${sources[source]}${confidence === undefined ? '' : `, right in ${Math.round(confidence * 100)} %`}`
    : ''

type RowProps = { command: Command; isNow: boolean; onJump: (atMs: number) => void }

const Row = ({ command, isNow, onJump }: RowProps) => (
  <li data-now={isNow || undefined} {...(isNow && { 'aria-current': 'true' as const })}>
    <UnstyledButton
      className="command"
      onClick={() => onJump(command.atMs)}
      title={`Jump to ${formatOffset(command.atMs)}: ${visible(command.line)}${known(command)}`}
    >
      <Group gap="xs" wrap="nowrap">
        <Text size="xs" c="dimmed" ff="monospace" w={52} ta="right">
          {formatOffset(command.atMs)}
        </Text>
        <div className="command-line" style={{ flex: 1 }}>
          {visible(command.line)}
        </div>
        {command.confidence !== undefined && command.confidence < unsure && (
          <Text span size="xs" c="dimmed">
            perhaps
          </Text>
        )}
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
  </li>
)

/** The one that was run last by a moment; -1: none yet. */
export const commandAt = (commands: readonly Command[], atMs: number): number =>
  commands.findLastIndex((command) => command.atMs <= atMs)

/** Typed lines and programs in order; a click plays from there. Where playing is, is marked and kept in sight. */
export const CommandList = (props: { commands: Command[]; now: number; onJump: (atMs: number) => void }) => {
  const { commands, now, onJump } = props
  const list = useRef<HTMLOListElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: `now` is what moved the mark that is looked for.
  useEffect(() => {
    const row = list.current?.querySelector<HTMLElement>('[data-now]')
    // Not under the hand of whoever reads on elsewhere in the list.
    if (!row || !list.current || list.current.matches(':hover, :focus-within')) return
    list.current.scrollTop = row.offsetTop - list.current.clientHeight / 2
  }, [now])
  return (
    <ol ref={list} className="commands" aria-label="Commands">
      {commands.map((command, index) => (
        <Row
          key={`${command.atMs}-${command.line}-${command.via}`}
          command={command}
          isNow={index === now}
          onJump={onJump}
        />
      ))}
    </ol>
  )
}

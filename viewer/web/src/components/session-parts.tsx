import { Button, Text } from '@mantine/core'
import type { Command } from '../api.ts'
import { formatOffset } from '../time.tsx'
import { AlertList } from './alert-list.tsx'
import { CommandList, commandAt } from './command-list.tsx'
import { EndlessList, type EndlessQuery } from './endless-list.tsx'
import { Part } from './part.tsx'

type Commands = { query: EndlessQuery<Command>; isWithheld: boolean; atMs: number; onJump(atMs: number): void }

/** What was run in a session; the one at `atMs` is marked. */
export const SessionCommands = ({ query, isWithheld, atMs, onJump }: Commands) => (
  <Part title="Commands" p="sm">
    {isWithheld ? (
      <Text size="sm">As the recording.</Text>
    ) : (
      <EndlessList query={query} noun="commands" empty={<Text size="sm">None yet.</Text>}>
        {(commands) => <CommandList commands={commands} now={commandAt(commands, atMs)} onJump={onJump} />}
      </EndlessList>
    )}
  </Part>
)

/** Alerts about a session; those that are about a moment in it lead there. */
export const SessionAlerts = ({ id, onJump }: { id: string; onJump(atMs: number): void }) => (
  <Part title="Alerts" p="sm">
    <AlertList
      about={{ sessionId: id }}
      more={({ sessionIds, atMs }) =>
        sessionIds[0] === id &&
        atMs !== null && (
          <Button size="compact-xs" variant="default" onClick={() => onJump(atMs)}>
            {formatOffset(atMs)}
          </Button>
        )
      }
    />
  </Part>
)

import { Anchor, Table } from '@mantine/core'
import { Link } from 'react-router'
import type { Session } from '../api.ts'
import { Time } from '../time.tsx'
import { SessionState } from './session-state.tsx'

/** When a session started, which leads to it, and how it is. */
export const SessionCells = ({ session }: { session: Session }) => (
  <>
    <Table.Td>
      <Anchor component={Link} to={`/sessions/${session.id}`} size="sm">
        <Time at={session.startedAt} />
      </Anchor>
    </Table.Td>
    <Table.Td>
      <SessionState session={session} />
    </Table.Td>
  </>
)

import { Group, Title } from '@mantine/core'
import { may } from '../../../../services/access/permissions.ts'
import type { Me, Session } from '../api.ts'
import { visible } from '../visible.ts'
import { Exports } from './exports.tsx'
import { SessionState } from './session-state.tsx'
import { Share } from './share.tsx'
import { Terminate } from './terminate.tsx'
import { Trail } from './trail.tsx'

type Props = {
  session: Session
  me: Me
  /** Whether this reader may not see its content now. */
  isWithheld: boolean
  /** Where the recording stands. */
  timeOf(): number
}

const Deeds = ({ session: { id, endedAt, recorded }, me, isWithheld, timeOf }: Props) => (
  <Group gap="xs">
    {endedAt === null && may(me.role, 'session.terminate') && <Terminate id={id} />}
    {me.shares && recorded && may(me.role, 'session.share') && !isWithheld && (
      <Share id={id} maxHours={me.shareHours} timeOf={timeOf} />
    )}
    {recorded && may(me.role, 'session.export') && !isWithheld && <Exports id={id} />}
  </Group>
)

/** Whose session it is and where, its state, and what can be done about it. */
export const SessionHead = (props: Props) => {
  const { session } = props
  const heading = visible(`${session.user} on ${session.target ?? session.bastion}`)
  return (
    <>
      <title>{`${heading} · Bartizan`}</title>
      <Trail to="/sessions" list="Sessions" one={session.id} />
      <Group justify="space-between" mb="md">
        <Group>
          <Title order={1} size="h2">
            {heading}
          </Title>
          <SessionState session={session} />
        </Group>
        <Deeds {...props} />
      </Group>
    </>
  )
}

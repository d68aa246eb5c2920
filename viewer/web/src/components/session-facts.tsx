import { Anchor, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Session } from '../api.ts'
import { startedAs } from '../started-as.ts'
import { formatBytes, formatDuration, Time } from '../time.tsx'
import { visible } from '../visible.ts'
import { Facts } from './facts.tsx'
import { LoginFacts } from './login-facts.tsx'
import { AddressPivot, HostPivot, TargetPivot, UserPivot } from './pivots.tsx'

const terminalOf = ({ tty, cols, rows }: Session): string => {
  if (!tty) return 'none (a remote command)'
  return cols && rows ? `${tty}, ${cols}×${rows}` : tty
}

const factsOf = (session: Session): [string, ReactNode][] => [
  [
    'User',
    <Text key="user" span size="sm">
      <UserPivot value={session.user} />
      {session.runAs && session.runAs !== session.user && ` → ${visible(session.runAs)}`}
    </Text>,
  ],
  ['Bastion', <HostPivot key="bastion" value={session.bastion} />],
  ...(session.target && session.target !== session.bastion
    ? [['Host', <TargetPivot key="target" value={session.target} />] satisfies [string, ReactNode]]
    : []),
  [
    'From',
    session.sourceIp ? (
      <Text key="from" span size="sm">
        <AddressPivot value={session.sourceIp} /> port {session.sourcePort}
      </Text>
    ) : (
      'not through ssh'
    ),
  ],
  ['Login', <LoginFacts key="login" login={session.login} />],
  ['Started', <Time key="started" at={session.startedAt} />],
  ['Ended', session.endedAt ? <Time key="ended" at={session.endedAt} /> : 'still running'],
  ['Duration', session.durationMs === null ? '–' : formatDuration(session.durationMs)],
  ['Exit', session.exitSignal ? `signal ${session.exitSignal}` : (session.exitCode ?? '–')],
  ['Terminal', terminalOf(session)],
  [
    'Started as',
    <code key="argv" title={visible(session.argv.join(' '))}>
      {startedAs(session)}
    </code>,
  ],
  ['Output', formatBytes(session.outBytes)],
  ['Input', formatBytes(session.inBytes)],
  ['Evidence', session.evidence],
  ['Hook', session.hook],
  ['Session', <code key="id">{session.id}</code>],
]

const Related = ({ session }: { session: Session }) => (
  <Group gap="md" mt="sm">
    {session.parentId && (
      <Anchor component={Link} to={`/sessions/${session.parentId}`} size="sm">
        Parent session
      </Anchor>
    )}
    {session.connectionId && (
      <Anchor component={Link} to={`/sessions?connectionId=${session.connectionId}`} size="sm">
        All sessions of this connection
      </Anchor>
    )}
    <Anchor component={Link} to={`/events?sessionId=${session.id}`} size="sm">
      Events of this session
    </Anchor>
  </Group>
)

/** All that is known of a session as a whole, and where there is more. */
export const SessionFacts = ({ session }: { session: Session }) => (
  <>
    <Facts rows={factsOf(session)} />
    <Related session={session} />
  </>
)

import { Text } from '@mantine/core'
import type { Session } from '../api.ts'

/** Plainly what this recording does not hold, so that nobody takes silence for absence. */
export const NotCaptured = ({ session }: { session: Session }) => (
  <Text size="sm" c="dimmed" mt="sm">
    Not captured here: what ran in the background after the session, what other machines did, graphical programs, and
    typed secrets (masked on the bastion; only their place and length are kept).
    {session.tty === null && ' Without a terminal there are no typed lines; the programs that ran are listed.'}
  </Text>
)

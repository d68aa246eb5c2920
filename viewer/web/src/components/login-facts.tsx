import { Text } from '@mantine/core'
import type { Session } from '../api.ts'
import { Time } from '../time.tsx'

const manyFailures = 1_000

const failures = (count: number): string =>
  count === 0 ? 'no failure' : `${count}${count >= manyFailures ? ' or more' : ''} failure${count === 1 ? '' : 's'}`

/** How whoever it was came in, by sshd's log. */
export const LoginFacts = ({ login }: { login: Session['login'] }) => {
  if (login === null) return 'not known'
  const { at, method, keyFingerprint, certId, certSerial, failuresBefore } = login
  return (
    <Text span size="sm">
      <Time at={at} /> by {method ?? 'unknown means'}
      {keyFingerprint && <code> {keyFingerprint}</code>}
      {certId && `, certificate ${certId} (serial ${certSerial ?? '?'})`}
      {`; ${failures(failuresBefore)} from there in the day before`}
    </Text>
  )
}

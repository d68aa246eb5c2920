import { Alert, Button, Text } from '@mantine/core'
import { Refusal } from '../api.ts'

const hints: Record<number, string> = {
  403: 'Somebody with another role may do this.',
  404: 'Is the address whole? What came in a moment ago may take some seconds to be here.',
}

/** What went wrong, in the server's words, with what to do; a server that does not answer has no words. */
export const Failure = ({ error, onRetry }: { error: Error; onRetry?: () => unknown }) => {
  const isAnswer = error instanceof Refusal
  const hint = isAnswer ? (error.hint ?? hints[error.status]) : 'Is Bartizan running, and is the connection to it up?'
  return (
    <Alert color="red" title={isAnswer ? 'This did not work' : 'There is no answer'} role="alert" my="md">
      <Text size="sm">{error.message}</Text>
      {hint && (
        <Text size="sm" mt="xs">
          {hint}
        </Text>
      )}
      {onRetry && (
        <Button size="xs" variant="default" mt="sm" onClick={() => onRetry()}>
          Try again
        </Button>
      )}
    </Alert>
  )
}

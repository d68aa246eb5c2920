import { Alert, Text } from '@mantine/core'
import { Refusal } from '../api.ts'

/** What went wrong, in the server's words, with what to do. */
export const Failure = ({ error }: { error: Error }) => (
  <Alert color="red" title="This did not work" role="alert" m="md">
    <Text size="sm">{error.message}</Text>
    {error instanceof Refusal && error.hint && (
      <Text size="sm" mt="xs">
        {error.hint}
      </Text>
    )}
  </Alert>
)

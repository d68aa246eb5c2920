import { Alert, Text } from '@mantine/core'
import { visible } from '../visible.ts'

/** Nobody is to take a search that finds nothing on this screen for proof that nothing was there. */
export const ScreenUnavailable = ({ id, reason }: { id: string; reason: string }) => (
  <Alert color="orange" mb="md" title="What was on its screen is not known">
    <Text size="sm">
      A search does not find what this session showed; its commands, typed lines and events are found as always. The
      recording is whole: it plays from its beginning as one piece, so that a jump into a long one takes a while, and it
      is not followed live. After an upgrade <code>bartizan reindex --views-only --session {visible(id)}</code> tries
      again.
    </Text>
    <Text size="sm" c="dimmed" mt={4} className="breakable">
      Why: {visible(reason)}
    </Text>
  </Alert>
)

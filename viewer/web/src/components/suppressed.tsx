import { Alert, Button, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../api.ts'
import { Time } from '../time.tsx'
import { visible } from '../visible.ts'
import { ReasonDialog } from './reason-dialog.tsx'

/** Why an alert wakes nobody, until when, and the way back. `id`: of the suppression in force. */
export const Suppressed = ({ id, mayEnd }: { id: string; mayEnd: boolean }) => {
  const [opened, { open, close }] = useDisclosure(false)
  const queryClient = useQueryClient()
  const all = useQuery({ queryKey: ['suppressions'], queryFn: ({ signal }) => api.suppressions(signal) })
  const found = all.data?.items.find((one) => one.id === id)
  const end = async (reason: string) => {
    await api.endSuppression(id, reason)
    await queryClient.invalidateQueries()
  }
  return (
    <Alert color="gray" mb="md" title="Suppressed: it wakes nobody">
      {found && (
        <Text size="sm">
          {visible(found.reason)} ({visible(found.owner)}, until <Time at={found.expiresAt} />)
        </Text>
      )}
      {mayEnd && (
        <Button size="xs" variant="default" mt="xs" onClick={open}>
          End the suppression
        </Button>
      )}
      <ReasonDialog
        opened={opened}
        onClose={close}
        title="End the suppression"
        asks="Alerts like this one wake people again."
        confirm="End it"
        act={end}
      />
    </Alert>
  )
}

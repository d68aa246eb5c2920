import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { api } from '../api.ts'
import { visible } from '../visible.ts'
import { ReasonDialog } from './reason-dialog.tsx'

export const Revoke = ({ bastion }: { bastion: string }) => {
  const [opened, { open, close }] = useDisclosure(false)
  const queryClient = useQueryClient()
  const revoke = async (reason: string) => {
    await api.revokeAgent(bastion, reason)
    await queryClient.invalidateQueries({ queryKey: ['agents'] })
  }
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        Revoke
      </Button>
      <ReasonDialog
        opened={opened}
        onClose={close}
        title={`Revoke ${visible(bastion)}`}
        asks="Its certificates, tokens, signing keys and open codes are refused within seconds. The agent goes on recording into its spool, and sends that once it is enrolled again. This is written to the audit trail."
        confirm="Revoke"
        color="red"
        act={revoke}
      />
    </>
  )
}

import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { api } from '../api.ts'
import { ReasonDialog } from './reason-dialog.tsx'

export const Terminate = ({ id }: { id: string }) => {
  const [opened, { open, close }] = useDisclosure(false)
  return (
    <>
      <Button size="xs" color="red" onClick={open}>
        End this session
      </Button>
      <ReasonDialog
        opened={opened}
        onClose={close}
        title="End this session"
        asks="The user is told the reason and disconnected. This is written to the audit trail."
        confirm="End session"
        color="red"
        act={(reason) => api.terminate(id, reason)}
      />
    </>
  )
}

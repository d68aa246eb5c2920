import { Button, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api.ts'
import { ReasonDialog } from './reason-dialog.tsx'

/** A longer retention, which nobody can take back. */
export const Retain = ({ id }: { id: string }) => {
  const [opened, { open, close }] = useDisclosure(false)
  const [day, setDay] = useState('')
  const queryClient = useQueryClient()
  const retain = async (reason: string) => {
    await api.retain(id, `${day}T23:59:59.000Z`, reason)
    await queryClient.invalidateQueries({ queryKey: ['custody', id] })
  }
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        Keep longer
      </Button>
      <ReasonDialog
        opened={opened}
        onClose={close}
        title="Keep this session longer"
        asks="Until the end of this day (UTC). A retention can only become longer: this cannot be taken back."
        confirm="Keep it"
        isReady={/^\d{4}-\d\d-\d\d$/.test(day)}
        act={retain}
      >
        <TextInput
          label="Until"
          type="date"
          mt="sm"
          value={day}
          onChange={(event) => setDay(event.currentTarget.value)}
        />
      </ReasonDialog>
    </>
  )
}

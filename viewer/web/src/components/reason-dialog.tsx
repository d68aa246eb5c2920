import { Button, Group, Modal, Text, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Failure } from './failure.tsx'

const leastReason = 3 // characters

/** Asks why before it acts. It closes when that is done; what went wrong stands in it. */
export const ReasonDialog = (props: {
  opened: boolean
  onClose(): void
  title: string
  asks: string
  confirm: string
  color?: string
  isOptional?: boolean
  /** Whether all else that it asks for, its children, is there. */
  isReady?: boolean
  children?: ReactNode
  act(reason: string): Promise<unknown>
}) => {
  const { opened, onClose, title, asks, confirm, color, isOptional = false, isReady = true, children, act } = props
  const [reason, setReason] = useState('')
  const doing = useMutation({ mutationFn: () => act(reason.trim()), onSuccess: () => close() })
  const close = () => {
    setReason('')
    doing.reset()
    onClose()
  }
  return (
    <Modal opened={opened} onClose={close} title={title}>
      <Text size="sm">{asks}</Text>
      {children}
      <Textarea
        label={isOptional ? 'Reason (optional)' : 'Reason'}
        mt="sm"
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        maxLength={1_000}
        data-autofocus
      />
      {doing.error && <Failure error={doing.error} />}
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
        <Button
          {...(color && { color })}
          disabled={!isReady || (!isOptional && reason.trim().length < leastReason)}
          loading={doing.isPending}
          onClick={() => doing.mutate()}
        >
          {confirm}
        </Button>
      </Group>
    </Modal>
  )
}

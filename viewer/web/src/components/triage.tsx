import { Button, Group, Modal, Text, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type AlertRow, type AlertStatus, api } from '../api.ts'
import { Failure } from './failure.tsx'

type Choice = { status: AlertStatus; label: string; asks: string; needsReason: boolean; color?: string }
const choices: Choice[] = [
  {
    status: 'acknowledged',
    label: 'Acknowledge',
    asks: 'You look into it. Others see that you do.',
    needsReason: false,
  },
  { status: 'resolved', label: 'Resolve', asks: 'It was real, and it is dealt with. How?', needsReason: true },
  {
    status: 'false_positive',
    label: 'False positive',
    asks: 'Nothing was wrong. Why did it look so?',
    needsReason: true,
  },
  { status: 'open', label: 'Open again', asks: 'It needs somebody again.', needsReason: true },
]

/** What a person decides about an alert. `tag`: of the alert as it was read; whoever was quicker is not overwritten. */
export const Triage = ({ alert, tag }: { alert: AlertRow; tag: string }) => {
  const [choice, setChoice] = useState<Choice | null>(null)
  const [reason, setReason] = useState('')
  const queryClient = useQueryClient()
  const close = () => {
    setChoice(null)
    setReason('')
  }
  const decide = useMutation({
    mutationFn: ({ status }: Choice) => api.triage(alert.id, tag, { status, ...(reason.trim() && { reason }) }),
    onSuccess: close,
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['alert', alert.id] }),
  })
  return (
    <>
      <Group gap="xs">
        {choices
          .filter(({ status }) => status !== alert.status)
          .map((one) => (
            <Button key={one.status} size="xs" variant="default" onClick={() => setChoice(one)}>
              {one.label}
            </Button>
          ))}
      </Group>
      <Modal opened={choice !== null} onClose={close} title={choice?.label}>
        <Text size="sm">{choice?.asks}</Text>
        <Textarea
          label={choice?.needsReason ? 'Reason' : 'Reason (optional)'}
          mt="sm"
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          data-autofocus
        />
        {decide.error && <Failure error={decide.error} />}
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button
            disabled={choice === null || (choice.needsReason && reason.trim().length < 3)}
            loading={decide.isPending}
            onClick={() => choice && decide.mutate(choice)}
          >
            {choice?.label}
          </Button>
        </Group>
      </Modal>
    </>
  )
}

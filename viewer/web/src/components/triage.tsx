import { Button, Group } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type AlertRow, type AlertStatus, api } from '../api.ts'
import { ReasonDialog } from './reason-dialog.tsx'

type Choice = { status: AlertStatus; label: string; asks: string; needsReason: boolean }
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
  const queryClient = useQueryClient()
  const decide = async (status: AlertStatus, reason: string) => {
    try {
      await api.triage(alert.id, tag, { status, ...(reason && { reason }) })
    } finally {
      await queryClient.invalidateQueries({ queryKey: ['alert', alert.id] })
    }
  }
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
      {choice && (
        <ReasonDialog
          opened
          onClose={() => setChoice(null)}
          title={choice.label}
          asks={choice.asks}
          confirm={choice.label}
          isOptional={!choice.needsReason}
          act={(reason) => decide(choice.status, reason)}
        />
      )}
    </>
  )
}

import { Button, Checkbox, Group, Modal, NumberInput, Stack, Text, Textarea } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type AlertRow, api } from '../api.ts'
import { visible } from '../visible.ts'
import { Failure } from './failure.tsx'

const dayMs = 86_400_000

/** Keeps what is like this alert from waking people, for a reason and for a time. */
export const Suppress = ({ alert, owner }: { alert: AlertRow; owner: string }) => {
  const [opened, { open, close }] = useDisclosure(false)
  const [of, setOf] = useState({ user: alert.user !== null, source: alert.user === null, bastion: false })
  const [days, setDays] = useState(7)
  const [reason, setReason] = useState('')
  const queryClient = useQueryClient()
  const conditions = [
    { name: 'user' as const, value: alert.user, label: `of user ${visible(alert.user ?? '')}` },
    { name: 'source' as const, value: alert.sourceIp, label: `from ${alert.sourceIp}` },
    { name: 'bastion' as const, value: alert.bastion, label: `on ${alert.bastion}` },
  ].filter(({ value }) => value !== null)
  const isNarrowed = conditions.some(({ name }) => of[name])
  const suppress = useMutation({
    mutationFn: () =>
      api.suppress({
        rule: alert.rule,
        ...Object.fromEntries(conditions.filter(({ name }) => of[name]).map(({ name, value }) => [name, value])),
        owner,
        reason,
        expiresAt: new Date(Date.now() + days * dayMs).toISOString(),
      }),
    onSuccess: async () => {
      await queryClient.invalidateQueries()
      close()
    },
  })
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        Suppress
      </Button>
      <Modal opened={opened} onClose={close} title="Suppress alerts like this one">
        <Stack gap="sm">
          <Text size="sm">
            They are still recorded, but wake nobody, and stand in the queue only under the status “any”. It holds for
            alerts of the rule {alert.rule} that are all of this:
          </Text>
          {conditions.map(({ name, label }) => (
            <Checkbox
              key={name}
              label={label}
              checked={of[name]}
              onChange={(event) => setOf({ ...of, [name]: event.currentTarget.checked })}
            />
          ))}
          {!isNarrowed && (
            <Text size="sm" role="alert">
              Choose at least one: else the rule is switched off for everybody.
            </Text>
          )}
          <NumberInput label="For how many days" min={1} max={365} value={days} onChange={(n) => setDays(Number(n))} />
          <Textarea label="Reason" value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          {suppress.error && <Failure error={suppress.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button
              disabled={reason.trim().length < 3 || days < 1 || !isNarrowed}
              loading={suppress.isPending}
              onClick={() => suppress.mutate()}
            >
              Suppress
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}

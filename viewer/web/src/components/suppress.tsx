import { Button, Checkbox, NumberInput, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type AlertRow, api } from '../api.ts'
import { visible } from '../visible.ts'
import { ReasonDialog } from './reason-dialog.tsx'

const dayMs = 86_400_000

type Name = 'user' | 'source' | 'bastion'
type Condition = { name: Name; value: string | null; label: string }
type Chosen = Record<Name, boolean>

const conditionsOf = ({ user, sourceIp, bastion }: AlertRow): Condition[] =>
  [
    { name: 'user' as const, value: user, label: `of user ${visible(user ?? '')}` },
    { name: 'source' as const, value: sourceIp, label: `from ${sourceIp}` },
    { name: 'bastion' as const, value: bastion, label: `on ${bastion}` },
  ].filter(({ value }) => value !== null)

type Choosing = { conditions: Condition[]; chosen: Chosen; onChange(chosen: Chosen): void }

const Conditions = ({ conditions, chosen, onChange }: Choosing) => (
  <>
    {conditions.map(({ name, label }) => (
      <Checkbox
        key={name}
        label={label}
        checked={chosen[name]}
        onChange={(event) => onChange({ ...chosen, [name]: event.currentTarget.checked })}
      />
    ))}
    {!conditions.some(({ name }) => chosen[name]) && (
      <Text size="sm" role="alert">
        Choose at least one: else the rule is switched off for everybody.
      </Text>
    )}
  </>
)

/** Keeps what is like this alert from waking people, for a reason and for a time. */
export const Suppress = ({ alert, owner }: { alert: AlertRow; owner: string }) => {
  const [opened, { open, close }] = useDisclosure(false)
  const [chosen, setChosen] = useState({ user: alert.user !== null, source: alert.user === null, bastion: false })
  const [days, setDays] = useState(7)
  const queryClient = useQueryClient()
  const conditions = conditionsOf(alert)
  const asked = conditions.filter(({ name }) => chosen[name])
  const suppress = async (reason: string) => {
    const of = Object.fromEntries(asked.map(({ name, value }) => [name, value]))
    const expiresAt = new Date(Date.now() + days * dayMs).toISOString()
    await api.suppress({ rule: alert.rule, ...of, owner, reason, expiresAt })
    await queryClient.invalidateQueries()
  }
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        Suppress
      </Button>
      <ReasonDialog
        opened={opened}
        onClose={close}
        title="Suppress alerts like this one"
        asks={`They are still recorded, but wake nobody, and stand in the queue only under the status “any”. It holds for alerts of the rule ${alert.rule} that are all of this:`}
        confirm="Suppress"
        isReady={days >= 1 && asked.length > 0}
        act={suppress}
      >
        <Stack gap="sm" mt="sm">
          <Conditions conditions={conditions} chosen={chosen} onChange={setChosen} />
          <NumberInput label="For how many days" min={1} max={365} value={days} onChange={(n) => setDays(Number(n))} />
        </Stack>
      </ReasonDialog>
    </>
  )
}

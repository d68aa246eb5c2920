import { Button, Code, CopyButton, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { type Agent, api, type EnrolmentCode } from '../api.ts'
import { Time } from '../time.tsx'
import { visible } from '../visible.ts'
import { Failure } from './failure.tsx'

const goodForMs = 15 * 60_000

const Made = ({ bastion, made }: { bastion: string; made: EnrolmentCode }) => (
  <>
    <Text size="sm">
      Run this on {visible(bastion)}, as the user the agent runs as. It works once, until <Time at={made.expiresAt} />,
      and is not shown again.
    </Text>
    <Code block className="breakable" style={{ whiteSpace: 'pre-wrap' }}>
      {made.command}
    </Code>
    <CopyButton value={made.command}>
      {({ copied, copy }) => (
        <Button variant="default" size="xs" onClick={copy} w="max-content">
          {copied ? 'Copied' : 'Copy'}
        </Button>
      )}
    </CopyButton>
  </>
)

/** A known agent is enrolled again by the way it was: through its relay, or as the relay it is. */
const wayOf = (agent: Agent | undefined, relay: string | null) => {
  const { via = relay, relayNames = null } = agent?.way ?? {}
  return { ...(via !== null && { relay: via }), ...(relayNames !== null && { relayNames }) }
}

const Ask = (props: {
  agent: Agent | undefined
  relays: string[]
  onMade(bastion: string, made: EnrolmentCode): void
  cancel: ReactNode
}) => {
  const { agent, relays, onMade, cancel } = props
  const [typed, setTyped] = useState('')
  const [relay, setRelay] = useState<string | null>(null)
  const bastion = agent?.bastion ?? typed.trim()
  const make = useMutation({
    mutationFn: () => api.enrolmentCode(bastion, { forMs: goodForMs, ...wayOf(agent, relay) }),
    onSuccess: (made) => onMade(bastion, made),
    gcTime: 0,
  })
  return (
    <>
      <Text size="sm">
        The code is good once, for this bastion only, for 15 minutes. This is written to the audit trail.
      </Text>
      {!agent && (
        <TextInput
          label="Bastion"
          description="As the agent’s configuration names it (BARTIZAN_BASTION)"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          maxLength={253}
          data-autofocus
        />
      )}
      {relays.length > 0 && (
        <Select
          label="It comes through the relay"
          placeholder="none"
          clearable
          data={relays}
          value={relay}
          onChange={setRelay}
        />
      )}
      {make.error && <Failure error={make.error} />}
      <Group justify="flex-end">
        {cancel}
        <Button disabled={bastion === ''} loading={make.isPending} onClick={() => make.mutate()}>
          Make the command
        </Button>
      </Group>
    </>
  )
}

/** Makes a one-time code. `agent`: one that is known already. The code is forgotten when the dialog closes. */
export const Enrol = ({ agent, label, relays }: { agent?: Agent; label: string; relays: string[] }) => {
  const [opened, { open, close }] = useDisclosure(false)
  const [made, setMade] = useState<{ bastion: string; code: EnrolmentCode } | null>(null)
  const end = () => {
    close()
    setMade(null)
  }
  const leave = (word: string) => (
    <Button variant="default" onClick={end}>
      {word}
    </Button>
  )
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        {label}
      </Button>
      <Modal opened={opened} onClose={end} title={agent ? `${label}: ${visible(agent.bastion)}` : label} size="lg">
        <Stack gap="sm">
          {made ? (
            <>
              <Made bastion={made.bastion} made={made.code} />
              <Group justify="flex-end">{leave('Done')}</Group>
            </>
          ) : (
            <Ask
              {...{ agent, relays, cancel: leave('Cancel') }}
              onMade={(bastion, code) => setMade({ bastion, code })}
            />
          )}
        </Stack>
      </Modal>
    </>
  )
}

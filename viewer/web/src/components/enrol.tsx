import { Button, Code, CopyButton, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api, type EnrolmentCode } from '../api.ts'
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

/** Makes a one-time code. `bastion`: of an agent that is known already. The code is forgotten when the dialog closes. */
export const Enrol = ({ bastion, label }: { bastion?: string; label: string }) => {
  const [opened, { open, close }] = useDisclosure(false)
  const [typed, setTyped] = useState('')
  const name = bastion ?? typed.trim()
  const make = useMutation({ mutationFn: () => api.enrolmentCode(name, goodForMs), gcTime: 0 })
  const end = () => {
    close()
    make.reset()
    setTyped('')
  }
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        {label}
      </Button>
      <Modal opened={opened} onClose={end} title={bastion ? `${label}: ${visible(bastion)}` : label} size="lg">
        <Stack gap="sm">
          {make.data ? (
            <Made bastion={name} made={make.data} />
          ) : (
            <>
              <Text size="sm">
                The code is good once, for this bastion only, for 15 minutes. This is written to the audit trail.
              </Text>
              {!bastion && (
                <TextInput
                  label="Bastion"
                  description="As the agent’s configuration names it (BARTIZAN_BASTION)"
                  value={typed}
                  onChange={(event) => setTyped(event.currentTarget.value)}
                  maxLength={253}
                  data-autofocus
                />
              )}
            </>
          )}
          {make.error && <Failure error={make.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={end}>
              {make.data ? 'Done' : 'Cancel'}
            </Button>
            {!make.data && (
              <Button disabled={name === ''} loading={make.isPending} onClick={() => make.mutate()}>
                Make the command
              </Button>
            )}
          </Group>
        </Stack>
      </Modal>
    </>
  )
}

import { Alert, Button, Group, Text, Textarea } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { type FormEvent, useState } from 'react'
import { api, Refusal } from '../api.ts'
import { sayWhy } from '../why.ts'
import { Failure } from './failure.tsx'
import { ReasonDialog } from './reason-dialog.tsx'

const isCode = (error: Error | null, code: string): boolean => error instanceof Refusal && error.code === code

const withheldBy = ['BTZ_REASON_REQUIRED', 'BTZ_APPROVAL_REQUIRED', 'BTZ_ERASED']

/** No failure: it is asked why, or for leave of a second person, or there is no content any more. */
export const isWithheld = (error: Error | null): error is Error => withheldBy.some((code) => isCode(error, code))

type Props = { error: Error; place: string; onRetry: () => unknown }

const AskWhy = ({ place, onRetry }: Props) => {
  const [reason, setReason] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    sayWhy(place, reason)
    onRetry()
  }
  return (
    <Alert title="Why do you want to see this?" my="md">
      <form onSubmit={submit}>
        <Text size="sm">What was recorded is shown for a reason. It is written to the audit trail with your name.</Text>
        <Textarea
          label="Reason"
          mt="sm"
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          maxLength={1_000}
        />
        <Group justify="flex-end" mt="sm">
          <Button type="submit" disabled={reason.trim().length < 3}>
            Show it
          </Button>
        </Group>
      </form>
    </Alert>
  )
}

const AskLeave = ({ place, onRetry }: Props) => {
  const [opened, { open, close }] = useDisclosure(false)
  const [isAsked, setAsked] = useState(false)
  const ask = async (reason: string) => {
    await api.askAccess(place, reason)
    setAsked(true)
  }
  return (
    <Alert title="A second person has to agree" my="md">
      <Text size="sm">What was recorded in this session is shown with leave of another person only.</Text>
      <Text size="sm" mt="xs" aria-live="polite">
        {isAsked ? 'It was asked for. Somebody else sees the request under “Approvals”; then try again here.' : ''}
      </Text>
      <Group justify="flex-end" mt="sm">
        <Button variant="default" onClick={() => onRetry()}>
          Try again
        </Button>
        <Button onClick={open} disabled={isAsked}>
          Ask for leave
        </Button>
      </Group>
      <ReasonDialog
        opened={opened}
        onClose={close}
        title="Ask for leave"
        asks="Another person is asked whether you may see what was recorded in this session. Why do you want to?"
        confirm="Ask"
        act={ask}
      />
    </Alert>
  )
}

/** Why content is not shown, and what to do about it. `place`: a session, or lists. */
export const RefusedContent = (props: Props) => {
  const { error, onRetry } = props
  if (isCode(error, 'BTZ_REASON_REQUIRED')) return <AskWhy {...props} />
  if (isCode(error, 'BTZ_APPROVAL_REQUIRED')) return <AskLeave {...props} />
  if (isCode(error, 'BTZ_ERASED'))
    return (
      <Alert title="Erased" my="md">
        <Text size="sm">What was recorded here was erased. That it was there, and who erased it and why, stays.</Text>
      </Alert>
    )
  return <Failure error={error} onRetry={onRetry} />
}

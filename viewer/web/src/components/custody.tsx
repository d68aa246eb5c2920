import { Badge, Button, Group, Loader, Paper, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { may } from '../../../../services/access/permissions.ts'
import { api, type Custody as CustodyFacts, type Role } from '../api.ts'
import { Time } from '../time.tsx'
import { visible } from '../visible.ts'
import { Failure } from './failure.tsx'
import { ReasonDialog } from './reason-dialog.tsx'
import { Retain } from './retain.tsx'

const refreshMs = 10_000

type Step = { label: string; title: string; asks: string; color?: string; act(reason: string): Promise<unknown> }

const stepsOf = (id: string, custody: CustodyFacts): Step[] => {
  const hold: Step = {
    label: 'Hold',
    title: 'Hold this session',
    asks: 'While it is held, nobody can erase it or dispose of it. To lift the hold takes a second person.',
    act: (reason) => api.hold(id, reason),
  }
  const lift: Step = {
    label: 'Ask to lift the hold',
    title: 'Ask to lift the hold',
    asks: 'A second person has to agree. Then this session can be erased, and disposed of after its retention.',
    act: (reason) => api.askLift(id, reason),
  }
  const erase: Step = {
    label: 'Ask to erase',
    title: 'Ask to erase this session',
    asks: 'A second person has to agree. Then its key is destroyed: what was recorded can never be read again. That it was there, and that it was erased, stays provable.',
    color: 'red',
    act: (reason) => api.askErasure(id, reason),
  }
  if (custody.erasure) return []
  return custody.held ? [hold, lift] : [hold, erase]
}

const Steps = ({ id, custody }: { id: string; custody: CustodyFacts }) => {
  const [step, setStep] = useState<Step | null>(null)
  const [done, setDone] = useState('')
  const queryClient = useQueryClient()
  const act = async ({ label, act }: Step, reason: string) => {
    await act(reason)
    setDone(label.startsWith('Ask') ? 'It was asked for: somebody else decides under “Approvals”.' : 'Done.')
    await queryClient.invalidateQueries({ queryKey: ['custody', id] })
  }
  return (
    <>
      <Group gap="xs" mt="sm">
        {stepsOf(id, custody).map((one) => (
          <Button
            key={one.label}
            size="xs"
            variant={one.color ? 'outline' : 'default'}
            {...(one.color && { color: one.color })}
            onClick={() => setStep(one)}
          >
            {one.label}
          </Button>
        ))}
        {custody.erasure === null && <Retain id={id} />}
      </Group>
      <Text size="sm" c="dimmed" mt="xs" aria-live="polite">
        {done}
      </Text>
      {step && (
        <ReasonDialog
          opened
          onClose={() => setStep(null)}
          title={step.title}
          asks={step.asks}
          confirm={step.label}
          {...(step.color && { color: step.color })}
          act={(reason) => act(step, reason)}
        />
      )}
    </>
  )
}

const Hold = ({ hold }: { hold: CustodyFacts['holds'][number] }) => (
  <Text size="sm" component="li" className="breakable">
    <Time at={hold.at} /> {visible(hold.by.name)}: {visible(hold.reason)}
    {hold.lifted && (
      <Text size="sm" c="dimmed" component="div">
        lifted <Time at={hold.lifted.at} />: {visible(hold.lifted.requestedBy.name)} asked,{' '}
        {visible(hold.lifted.by.name)} agreed: {visible(hold.lifted.reason)}
      </Text>
    )}
  </Text>
)

const Badges = ({ custody }: { custody: CustodyFacts }) => (
  <Group gap="xs">
    {custody.held && (
      <Badge className="badge" variant="light" color="orange">
        held
      </Badge>
    )}
    {custody.erasure && (
      <Badge className="badge" variant="light" color={custody.erasure.state === 'erased' ? 'gray' : 'red'}>
        {custody.erasure.state}
      </Badge>
    )}
    {!custody.held && !custody.erasure && <Text size="sm">Not held; kept as long as its retention says.</Text>}
  </Group>
)

const Facts = ({ custody: { holds, retention, erasure } }: { custody: CustodyFacts }) => (
  <>
    {retention && (
      <Text size="sm" mt="xs" className="breakable">
        Kept until <Time at={retention.until} />, says {visible(retention.by.name)}: {visible(retention.reason)}
      </Text>
    )}
    {erasure && (
      <Text size="sm" mt="xs" component="div" className="breakable">
        Erasure, <Time at={erasure.at} />: {visible(erasure.requestedBy.name)} asked, {visible(erasure.by.name)} agreed:{' '}
        {visible(erasure.reason)}
        {erasure.state === 'erasing' && erasure.until && (
          <div>
            The last copies, on the bus and in backups, end by <Time at={erasure.until} />.
          </div>
        )}
      </Text>
    )}
    {holds.length > 0 && (
      <ul className="holds">
        {holds.map((hold) => (
          <Hold key={hold.holdId} hold={hold} />
        ))}
      </ul>
    )}
  </>
)

/** What was decided about the evidence of a session, and what this person may ask for. */
export const Custody = ({ id, role }: { id: string; role: Role }) => {
  const custody = useQuery({
    queryKey: ['custody', id],
    queryFn: ({ signal }) => api.custody(id, signal),
    refetchInterval: refreshMs,
  })
  return (
    <Paper withBorder p="sm" mb="md" component="section" aria-labelledby="custody">
      <Title order={2} size="h4" mb="xs" id="custody">
        Custody
      </Title>
      {custody.isPending && <Loader size="sm" aria-label="Loading custody" />}
      {custody.error && <Failure error={custody.error} onRetry={custody.refetch} />}
      {custody.data && (
        <>
          <Badges custody={custody.data} />
          <Facts custody={custody.data} />
          {may(role, 'custody.request') && <Steps id={id} custody={custody.data} />}
        </>
      )}
    </Paper>
  )
}

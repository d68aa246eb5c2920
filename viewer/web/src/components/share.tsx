import { Button, CopyButton, Group, Loader, Modal, Select, Table, Text, Textarea, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api, type Share as Shared } from '../api.ts'
import { formatOffset, Time } from '../time.tsx'
import { visible } from '../visible.ts'
import { Failure } from './failure.tsx'

const aroundMs = 60_000
const usualMinutes = 1_440
const expiries = [
  { value: '60', label: '1 hour' },
  { value: '480', label: '8 hours' },
  { value: '1440', label: '1 day' },
  { value: '10080', label: '1 week' },
]

/** 1:02:03, 2:03 or 3 as milliseconds; null: it is none of these. */
export const offsetOf = (typed: string): number | null => {
  const parts = typed.trim().split(':')
  if (parts.length > 3 || !parts.every((part) => /^\d{1,6}$/.test(part))) return null
  return parts.reduce((sum, part) => sum * 60 + Number(part), 0) * 1000
}

const List = ({ id }: { id: string }) => {
  const queryClient = useQueryClient()
  const shares = useQuery({ queryKey: ['shares', id], queryFn: ({ signal }) => api.shares(id, signal) })
  const revoke = useMutation({
    mutationFn: (share: string) => api.revokeShare(share),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['shares', id] }),
  })
  if (shares.error) return <Failure error={shares.error} onRetry={shares.refetch} />
  if (!shares.data) return <Loader size="sm" aria-label="Loading shares" />
  if (shares.data.items.length === 0) return <Text size="sm">Nothing of this session is shared.</Text>
  const stateOf = ({ revoked, expiresAt }: Shared) =>
    revoked ? 'taken back' : Date.parse(expiresAt) < Date.now() ? 'over' : null
  return (
    <Table verticalSpacing={4} aria-label="Shares">
      <Table.Tbody>
        {shares.data.items.map((share) => (
          <Table.Tr key={share.id}>
            <Table.Td>
              {formatOffset(share.fromMs)} – {formatOffset(share.toMs)}
              <Text size="xs" c="dimmed" className="breakable">
                {visible(share.by.name)}: {visible(share.reason)}
              </Text>
            </Table.Td>
            <Table.Td>
              until <Time at={share.expiresAt} />
              <Text size="xs" c="dimmed" title={share.openings.map(({ at, address }) => `${at} ${address}`).join('\n')}>
                {share.openCount === 0 ? 'not opened yet' : `opened ${share.openCount} times`}
              </Text>
            </Table.Td>
            <Table.Td ta="right">
              {stateOf(share) ?? (
                <Button
                  size="compact-xs"
                  variant="default"
                  loading={revoke.isPending}
                  onClick={() => revoke.mutate(share.id)}
                >
                  Take back
                </Button>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

const Link = ({ url }: { url: string }) => (
  <Group mt="sm" align="flex-end" wrap="nowrap">
    <TextInput
      label="The link, shown this once"
      value={url}
      readOnly
      style={{ flex: 1 }}
      onFocus={(event) => event.currentTarget.select()}
    />
    <CopyButton value={url}>
      {({ copied, copy }) => <Button onClick={copy}>{copied ? 'Copied' : 'Copy'}</Button>}
    </CopyButton>
  </Group>
)

/** None longer than a link may last. */
const expiriesUpTo = (maxHours: number) => {
  const allowed = expiries.filter(({ value }) => Number(value) <= maxHours * 60)
  return { allowed, usual: allowed.findLast(({ value }) => Number(value) <= usualMinutes)?.value ?? expiries[0]!.value }
}

type Wanted = { from: string; to: string; expires: string; reason: string }

/** Null: it is none. */
const rangeOf = ({ from, to }: Wanted): { fromMs: number; toMs: number } | null => {
  const [fromMs, toMs] = [offsetOf(from), offsetOf(to)]
  return fromMs !== null && toMs !== null && fromMs < toMs ? { fromMs, toMs } : null
}

type FieldsProps = { wanted: Wanted; expiries: typeof expiries; onChange(change: Partial<Wanted>): void }

const Fields = ({ wanted, expiries, onChange }: FieldsProps) => (
  <>
    <Group mt="sm" grow>
      <TextInput
        label="From (m:ss)"
        value={wanted.from}
        onChange={(event) => onChange({ from: event.currentTarget.value })}
      />
      <TextInput
        label="To (m:ss)"
        value={wanted.to}
        onChange={(event) => onChange({ to: event.currentTarget.value })}
        error={rangeOf(wanted) ? null : 'Not a range'}
      />
      <Select
        label="Works for"
        data={expiries}
        value={wanted.expires}
        allowDeselect={false}
        onChange={(expires) => expires && onChange({ expires })}
      />
    </Group>
    <Textarea
      label="Reason"
      mt="sm"
      value={wanted.reason}
      onChange={(event) => onChange({ reason: event.currentTarget.value })}
      maxLength={1_000}
      data-autofocus
    />
  </>
)

const Ask = ({ id, nowMs, maxHours }: { id: string; nowMs: number; maxHours: number }) => {
  const { allowed, usual } = expiriesUpTo(maxHours)
  const [wanted, setWanted] = useState<Wanted>({
    from: formatOffset(Math.max(0, nowMs - aroundMs)),
    to: formatOffset(nowMs + aroundMs),
    expires: usual,
    reason: '',
  })
  const range = rangeOf(wanted)
  const reason = wanted.reason.trim()
  const queryClient = useQueryClient()
  const share = useMutation({
    mutationFn: () => api.share(id, { ...range!, expiresInMinutes: Number(wanted.expires), reason }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['shares', id] }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    share.mutate()
  }
  if (share.data) return <Link url={share.data.url} />
  return (
    <form onSubmit={submit}>
      <Text size="sm">
        Whoever has the link sees this part of the recording, without an account. Each opening is logged.
      </Text>
      <Fields wanted={wanted} expiries={allowed} onChange={(change) => setWanted({ ...wanted, ...change })} />
      {share.error && <Failure error={share.error} />}
      <Group justify="flex-end" mt="md">
        <Button type="submit" disabled={!range || reason.length < 3} loading={share.isPending}>
          Make a link
        </Button>
      </Group>
    </form>
  )
}

/** A part of a recording for somebody without an account. `timeOf`: where the recording stands. */
export const Share = ({ id, maxHours, timeOf }: { id: string; maxHours: number; timeOf(): number }) => {
  const [opened, { open, close }] = useDisclosure(false)
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        Share
      </Button>
      <Modal opened={opened} onClose={close} title="Share a part of this session" size="lg">
        <Ask id={id} nowMs={timeOf()} maxHours={maxHours} />
        <Text fw={600} size="sm" mt="lg" mb="xs">
          Shared so far
        </Text>
        <List id={id} />
      </Modal>
    </>
  )
}

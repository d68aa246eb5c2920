import {
  ActionIcon,
  Badge,
  Button,
  Checkbox,
  Group,
  Modal,
  Popover,
  Text,
  TextInput,
  UnstyledButton,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, type SavedSearch } from '../api.ts'
import { visible } from '../visible.ts'
import { Failure } from './failure.tsx'

const key = ['saved-searches']

const SaveDialog = ({ q, opened, onClose }: { q: string; opened: boolean; onClose(): void }) => {
  const [name, setName] = useState('')
  const [isShared, setShared] = useState(false)
  const queryClient = useQueryClient()
  const save = useMutation({
    mutationFn: () => api.saveSearch({ name: name.trim(), q, shared: isShared }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: key })
      setName('')
      onClose()
    },
  })
  return (
    <Modal opened={opened} onClose={onClose} title="Save this search">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <code className="breakable">{q}</code>
        <TextInput
          label="Name"
          mt="sm"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={100}
          data-autofocus
        />
        <Checkbox
          label="For everybody who may search"
          mt="sm"
          checked={isShared}
          onChange={(event) => setShared(event.currentTarget.checked)}
        />
        {save.error && <Failure error={save.error} />}
        <Group justify="flex-end" mt="md">
          <Button type="submit" disabled={name.trim() === ''} loading={save.isPending}>
            Save
          </Button>
        </Group>
      </form>
    </Modal>
  )
}

const One = ({ search, onUse }: { search: SavedSearch; onUse(): void }) => {
  const queryClient = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api.deleteSearch(search.id),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: key }),
  })
  return (
    <li>
      <Group gap="xs" wrap="nowrap">
        <UnstyledButton onClick={onUse} style={{ flex: 1, minWidth: 0 }} p={4}>
          <Text size="sm" fw={600}>
            {visible(search.name)}{' '}
            {search.shared && (
              <Badge size="xs" variant="default">
                shared by {visible(search.by)}
              </Badge>
            )}
          </Text>
          <div className="command-line">{visible(search.q)}</div>
        </UnstyledButton>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={`Delete ${visible(search.name)}`}
          loading={remove.isPending}
          onClick={() => remove.mutate()}
        >
          ×
        </ActionIcon>
      </Group>
      {remove.error && <Failure error={remove.error} />}
    </li>
  )
}

/** Searches that were saved, one's own and those for everybody; and this one, to be saved. */
export const SavedSearches = ({ q, onUse }: { q: string | undefined; onUse(q: string): void }) => {
  const [isOpen, list] = useDisclosure(false)
  const [isSaving, saving] = useDisclosure(false)
  const saved = useQuery({ queryKey: key, queryFn: ({ signal }) => api.savedSearches(signal), enabled: isOpen })
  return (
    <>
      <Popover opened={isOpen} onChange={list.toggle} position="bottom-end" width={380} trapFocus>
        <Popover.Target>
          <Button variant="default" onClick={list.toggle}>
            Saved
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          {saved.error && <Failure error={saved.error} onRetry={saved.refetch} />}
          {saved.data?.items.length === 0 && <Text size="sm">None yet.</Text>}
          <ul className="saved" aria-label="Saved searches">
            {saved.data?.items.map((search) => (
              <One
                key={search.id}
                search={search}
                onUse={() => {
                  list.close()
                  onUse(search.q)
                }}
              />
            ))}
          </ul>
          {q && (
            <Button
              size="xs"
              variant="light"
              mt="xs"
              fullWidth
              onClick={() => {
                list.close()
                saving.open()
              }}
            >
              Save this search
            </Button>
          )}
        </Popover.Dropdown>
      </Popover>
      {q && <SaveDialog q={q} opened={isSaving} onClose={saving.close} />}
    </>
  )
}

import { Combobox, Loader, Text, TextInput, useCombobox } from '@mantine/core'
import { useDebouncedValue, useHotkeys } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { api, Refusal } from '../api.ts'
import { completed, quoted, type Written, writtenAt } from '../search/query-text.ts'
import { visible } from '../visible.ts'

const mostWritten = 460 // characters; the server takes some more, for what a session adds to find its own hits
const quietMs = 120
const compared = ['duration'] // fields that are written without a colon
type Choice = { put: string; says: string; about?: string }

/** What the query may go on with where it is being written. */
const useChoices = (written: Written | null, isOn: boolean): { choices: Choice[]; isLoading: boolean } => {
  const fields = useQuery({
    queryKey: ['search-fields'],
    queryFn: ({ signal }) => api.searchFields(signal),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: isOn,
  })
  const [asked] = useDebouncedValue(written, quietMs)
  const values = useQuery({
    queryKey: ['search-values', asked?.field, asked?.prefix],
    queryFn: ({ signal }) => api.searchValues(asked!.field!, asked!.prefix, signal),
    enabled: isOn && asked?.field != null,
    retry: false,
  })
  if (!written || !isOn) return { choices: [], isLoading: false }
  if (written.field !== null) {
    const choices = (values.data?.items ?? []).map((value) => ({
      put: `${written.field}:${quoted(value)} `,
      says: visible(value),
    }))
    return { choices, isLoading: values.isFetching }
  }
  const choices = (fields.data ?? [])
    .filter(({ name }) => name.startsWith(written.prefix.toLowerCase()))
    .map(({ name, description, example }) => ({
      put: compared.includes(name) ? `${name}>` : `${name}:`,
      says: compared.includes(name) ? name : `${name}:`,
      about: `${description} (${example})`,
    }))
  return { choices, isLoading: fields.isFetching }
}

/** What is wrong with a query, and where. */
const Wrong = ({ text, error }: { text: string; error: Refusal }) => {
  const { start, end } = error.position!
  return (
    <div role="alert" className="query-error">
      <code>
        {text.slice(0, start)}
        <mark>{text.slice(start, Math.max(end, start + 1)) || ' '}</mark>
        {text.slice(Math.max(end, start + 1))}
      </code>
      <Text size="sm" component="span">
        {error.message}
        {error.hint && `: ${error.hint}`}
      </Text>
    </div>
  )
}

/** The one box. `error`: what the server said about `words`. */
export const QueryBox = (props: {
  words: string | undefined
  error: Error | null
  onSearch(words: string | null): void
  onDown(): void
}) => {
  const { words = '', error, onSearch, onDown } = props
  const [text, setText] = useState(words)
  const [caret, setCaret] = useState(words.length)
  const input = useRef<HTMLInputElement>(null)
  const chosen = useRef<number | null>(null) // where the caret goes when the text is there
  useLayoutEffect(() => {
    if (chosen.current !== null) input.current?.setSelectionRange(chosen.current, chosen.current)
    chosen.current = null
  })
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() })
  useEffect(() => setText(words), [words])
  useHotkeys([['/', () => input.current?.focus()]])
  const written = writtenAt(text, caret)
  const { choices, isLoading } = useChoices(written, combobox.dropdownOpened)
  const isOffered = combobox.dropdownOpened && choices.length > 0

  const note = (event: { currentTarget: HTMLInputElement }) => {
    setText(event.currentTarget.value)
    setCaret(event.currentTarget.selectionStart ?? event.currentTarget.value.length)
  }
  const choose = (put: string) => {
    if (!written) return
    const next = completed(text, written, put)
    setText(next.text)
    setCaret(next.caret)
    chosen.current = next.caret
    combobox.resetSelectedOption()
    if (put.endsWith(' ')) combobox.closeDropdown()
  }
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    combobox.closeDropdown()
    onSearch(text.trim() || null)
  }
  const wrong = error instanceof Refusal && error.position ? error : null
  return (
    <search style={{ flex: '1 1 22rem' }}>
      <form onSubmit={submit}>
        <Combobox store={combobox} onOptionSubmit={choose}>
          <Combobox.Target>
            <TextInput
              ref={input}
              label="Search"
              description="Users, hosts, addresses, commands, what was on the screen ( / )"
              placeholder='user:alice screen:"permission denied" after:yesterday'
              value={text}
              onChange={(event) => {
                note(event)
                combobox.openDropdown()
                combobox.resetSelectedOption()
              }}
              onSelect={note}
              onBlur={() => combobox.closeDropdown()}
              onKeyDown={(event) => {
                if (event.key === 'Escape' && isOffered) event.stopPropagation()
                if (event.key === 'Tab' && isOffered && combobox.getSelectedOptionIndex() >= 0) {
                  event.preventDefault()
                  combobox.clickSelectedOption()
                }
                if (event.key === 'ArrowDown' && !isOffered) {
                  event.preventDefault()
                  onDown()
                }
              }}
              rightSection={isLoading ? <Loader size={14} aria-hidden /> : null}
              inputWrapperOrder={['label', 'input', 'description']}
              maxLength={mostWritten}
              autoComplete="off"
              spellCheck={false}
              autoFocus
              error={wrong !== null}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            />
          </Combobox.Target>
          <Combobox.Dropdown hidden={!isOffered}>
            <Combobox.Options mah="18rem" style={{ overflowY: 'auto' }}>
              {choices.map(({ put, says, about }) => (
                <Combobox.Option value={put} key={put + says}>
                  <code>{says}</code>
                  {about && (
                    <Text span size="xs" c="dimmed" ml="sm">
                      {about}
                    </Text>
                  )}
                </Combobox.Option>
              ))}
            </Combobox.Options>
          </Combobox.Dropdown>
        </Combobox>
        <button type="submit" hidden aria-hidden tabIndex={-1} />
      </form>
      {wrong && <Wrong text={words} error={wrong} />}
    </search>
  )
}

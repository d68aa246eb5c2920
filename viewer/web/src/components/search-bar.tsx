import { Button, Group, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'

/** Words to look for, asked with Enter or the button, and beside them what else narrows the list. */
export const SearchBar = (props: {
  words: string | undefined
  onSearch(words: string | null): void
  description: string
  placeholder?: string
  children: ReactNode
}) => {
  const { words = '', onSearch, description, placeholder, children } = props
  const [text, setText] = useState(words)
  useEffect(() => setText(words), [words])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSearch(text.trim() || null)
  }
  return (
    <search>
      <form onSubmit={submit}>
        <Group align="flex-end" gap="sm" mb="md">
          <TextInput
            label="Search"
            description={description}
            {...(placeholder && { placeholder })}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            style={{ flex: '1 1 18rem' }}
            maxLength={512}
            autoFocus
          />
          <Button type="submit">Search</Button>
          {children}
        </Group>
      </form>
    </search>
  )
}

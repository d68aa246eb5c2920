import { Button, Center, Loader, Text } from '@mantine/core'
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { List } from '../api.ts'
import { ofLists } from '../why.ts'
import { RefusedContent } from './refused-content.tsx'

export type EndlessQuery<T> = UseInfiniteQueryResult<InfiniteData<List<T>>>

/** A list that grows page by page: count, rows, "show more", and what it says when there is nothing. */
export const EndlessList = <T,>(props: {
  query: EndlessQuery<T>
  noun: string
  empty: ReactNode
  children: (items: T[]) => ReactNode
}) => {
  const { query, noun, empty, children } = props
  if (query.isPending) {
    return (
      <Center p="xl">
        <Loader aria-label={`Loading ${noun}`} />
      </Center>
    )
  }
  const failure = query.error && <RefusedContent error={query.error} place={ofLists} onRetry={query.refetch} />
  if (!query.data) return failure
  const items = query.data.pages.flatMap((page) => page.items)
  const { value, relation } = query.data.pages[0]!.total
  if (items.length === 0) return failure ?? empty
  return (
    <>
      {failure}
      <Text size="sm" c="dimmed" aria-live="polite" mb="xs">
        {relation === 'gte' ? 'more than ' : ''}
        {value.toLocaleString('en')} {value === 1 ? noun.replace(/s$/, '') : noun}
      </Text>
      {children(items)}
      {query.hasNextPage && (
        <Center mt="md">
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
            Show more
          </Button>
        </Center>
      )}
    </>
  )
}

import { Anchor, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { api } from '../api.ts'

/** What to ask with, where nothing was found. */
export const SearchExamples = ({ onUse }: { onUse(q: string): void }) => {
  const fields = useQuery({
    queryKey: ['search-fields'],
    queryFn: ({ signal }) => api.searchFields(signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  return (
    <>
      <Text mt="xl" mb="sm">
        Nothing was found. Words are found anywhere from three characters on; these narrow a search:
      </Text>
      <Table verticalSpacing={4} w="auto">
        <Table.Tbody>
          {fields.data?.map(({ name, example, description }) => (
            <Table.Tr key={name}>
              <Table.Td>
                <Anchor component="button" type="button" ff="monospace" size="sm" onClick={() => onUse(example)}>
                  {example}
                </Anchor>
              </Table.Td>
              <Table.Td>{description}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  )
}

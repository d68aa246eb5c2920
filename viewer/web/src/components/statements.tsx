import { Button, Table, Text, Title } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { api, type Statement } from '../api.ts'
import { byCursor, pageAt } from '../by-cursor.ts'
import { Time } from '../time.tsx'
import { visible } from '../visible.ts'
import { gapsOf, gapText } from './coverage-cell.tsx'
import { EndlessList } from './endless-list.tsx'
import { RowsTable } from './rows-table.tsx'

/** The signed note as it stands in the store, byte for byte: what the public key of the log vouches for. */
const save = ({ note, date, bastion, number }: Statement): void => {
  const url = URL.createObjectURL(new Blob([note], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `statement-${date}-${bastion}-${number}.txt`
  link.click()
  URL.revokeObjectURL(url)
}

const Row = ({ statement }: { statement: Statement }) => (
  <Table.Tr>
    <Table.Td>
      <time dateTime={statement.date}>{statement.date}</time>
    </Table.Td>
    <Table.Td>{visible(statement.bastion)}</Table.Td>
    <Table.Td>
      {statement.seen} seen, {statement.complete} complete
      {gapsOf(statement).map((name) => `, ${gapText(statement, name)}`)}
      {statement.number > 1 && (
        <Text size="xs" c="dimmed">
          correction {statement.number - 1}
        </Text>
      )}
    </Table.Td>
    <Table.Td>
      <Time at={statement.at} />
    </Table.Td>
    <Table.Td>
      <Button size="xs" variant="default" onClick={() => save(statement)}>
        Save the signed statement
      </Button>
    </Table.Td>
  </Table.Tr>
)

/** What was stated of days that are over, in order of days. */
export const Statements = ({ from, to }: { from: string; to: string }) => {
  const statements = useInfiniteQuery({
    queryKey: ['statements', from, to],
    queryFn: ({ pageParam, signal }) => api.statements({ from, to, ...pageAt(pageParam) }, signal),
    ...byCursor,
  })
  return (
    <section aria-labelledby="statements">
      <Title order={2} size="h4" mt="xl" mb="xs" id="statements">
        Daily statements
      </Title>
      <EndlessList
        query={statements}
        noun="statements"
        empty={
          <Text size="sm">None of these days is over yet; a statement comes an hour after the end of its day.</Text>
        }
      >
        {(items) => (
          <RowsTable minWidth={700} names={['Day (UTC)', 'Bastion', 'Says', 'Made', 'File']}>
            {items.map((statement) => (
              <Row key={statement.key} statement={statement} />
            ))}
          </RowsTable>
        )}
      </EndlessList>
    </section>
  )
}

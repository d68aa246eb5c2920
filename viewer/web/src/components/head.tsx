import { Table } from '@mantine/core'

/** The names of a table's columns. */
export const Head = ({ names }: { names: readonly string[] }) => (
  <Table.Thead>
    <Table.Tr>
      {names.map((name) => (
        <Table.Th key={name}>{name}</Table.Th>
      ))}
    </Table.Tr>
  </Table.Thead>
)

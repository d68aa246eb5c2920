import { Table } from '@mantine/core'
import type { ReactNode } from 'react'

/** Names and what they stand at, one a row. */
export const Facts = ({ rows, mt }: { rows: readonly (readonly [name: string, value: ReactNode])[]; mt?: 'md' }) => (
  <Table className="facts" variant="vertical" layout="fixed" withTableBorder verticalSpacing={4} {...(mt && { mt })}>
    <Table.Tbody>
      {rows.map(([name, value]) => (
        <Table.Tr key={name}>
          <Table.Th w={110}>{name}</Table.Th>
          <Table.Td>{value}</Table.Td>
        </Table.Tr>
      ))}
    </Table.Tbody>
  </Table>
)

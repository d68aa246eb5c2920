import { Table } from '@mantine/core'
import type { ReactNode } from 'react'
import { Head } from './head.tsx'

/** A table of rows, which scrolls by itself where a page is narrower than `minWidth` pixels. */
export const RowsTable = (props: { names: readonly string[]; minWidth: number; children: ReactNode }) => (
  <Table.ScrollContainer minWidth={props.minWidth}>
    <Table highlightOnHover verticalSpacing="xs">
      <Head names={props.names} />
      <Table.Tbody>{props.children}</Table.Tbody>
    </Table>
  </Table.ScrollContainer>
)

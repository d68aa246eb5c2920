import { Group, type MantineSpacing, Paper, Title } from '@mantine/core'
import type { ReactNode } from 'react'

type Props = { title: string; more?: ReactNode; p?: MantineSpacing; children: ReactNode }

/** A part of a page with a title; `more` stands at the title's other end. */
export const Part = ({ title, more, p = 'md', children }: Props) => (
  <Paper withBorder p={p} mb="md">
    <Group justify="space-between" mb="xs">
      <Title order={2} size="h4">
        {title}
      </Title>
      {more}
    </Group>
    {children}
  </Paper>
)

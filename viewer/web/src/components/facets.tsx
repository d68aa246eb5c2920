import { Group, Text, UnstyledButton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { api, type FacetName, type Parameters } from '../api.ts'
import { visible } from '../visible.ts'

const names: [FacetName, string][] = [
  ['user', 'User'],
  ['host', 'Host'],
  ['bastion', 'Bastion'],
  ['ip', 'From'],
]

/** Who and where what was found is; a click narrows the search to it. */
export const Facets = (props: { asked: Parameters; onNarrow(field: FacetName, value: string): void }) => {
  const facets = useQuery({
    queryKey: ['facets', props.asked],
    queryFn: ({ signal }) => api.facets(props.asked, signal),
    retry: false,
  })
  if (!facets.data) return null
  return (
    <aside aria-label="Facets" className="facets">
      {names.map(([name, label]) => {
        const values = facets.data[name] ?? []
        if (values.length === 0) return null
        return (
          <section key={name}>
            <Text size="xs" c="dimmed" fw={600} component="h2" m={0}>
              {label}
            </Text>
            <ul>
              {values.map(({ value, count }) => (
                <li key={value}>
                  <UnstyledButton
                    className="facet"
                    onClick={() => props.onNarrow(name, value)}
                    title={`${name}:${visible(value)}`}
                  >
                    <Group justify="space-between" wrap="nowrap" gap="xs">
                      <Text span size="sm" className="name">
                        {visible(value)}
                      </Text>
                      <Text span size="xs" c="dimmed">
                        {count.toLocaleString('en')}
                      </Text>
                    </Group>
                  </UnstyledButton>
                </li>
              ))}
            </ul>
          </section>
        )
      })}
    </aside>
  )
}

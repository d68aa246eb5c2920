import { Anchor, Breadcrumbs, Text } from '@mantine/core'
import { Link } from 'react-router'

/** From a list to one of it. */
export const Trail = ({ to, list, one }: { to: string; list: string; one: string }) => (
  <Breadcrumbs mb="sm">
    <Anchor component={Link} to={to}>
      {list}
    </Anchor>
    <Text>{one}</Text>
  </Breadcrumbs>
)

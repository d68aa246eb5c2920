import { Anchor, Text } from '@mantine/core'
import { Link } from 'react-router'
import { visible } from '../visible.ts'

/** From a name to all that is known of it. */
const pivot =
  (pathOf: (value: string) => string, about: string, look = 'name') =>
  ({ value }: { value: string | null | undefined }) =>
    value ? (
      <Anchor component={Link} to={pathOf(value)} size="sm" title={`${about} ${visible(value)}`} className={look}>
        {visible(value)}
      </Anchor>
    ) : (
      <Text span size="sm">
        –
      </Text>
    )

export const UserPivot = pivot((user) => `/users/${encodeURIComponent(user)}`, 'All about')
export const AddressPivot = pivot((ip) => `/events?sourceIp=${encodeURIComponent(ip)}`, 'Events from', 'name address')
export const HostPivot = pivot((host) => `/events?bastion=${encodeURIComponent(host)}`, 'Events of')
export const TargetPivot = pivot((host) => `/events?target=${encodeURIComponent(host)}`, 'Events about')

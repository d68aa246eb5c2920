import { Anchor, AppShell, Button, Center, Group, Loader, SegmentedControl, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { NavLink, Outlet, useLocation, useNavigate } from 'react-router'
import { may } from '../../../services/access/permissions.ts'
import { api, type Me, Refusal, type Role } from './api.ts'
import { Failure } from './components/failure.tsx'
import { useZone, type Zone } from './time.tsx'

const Navigation = ({ role }: { role: Role }) => (
  <Group component="nav" aria-label="Main" gap="md" wrap="nowrap">
    {[
      // What a role may not read is not offered; the server decides.
      ...(may(role, 'alert.list') ? [['/alerts', 'Alerts']] : []),
      ['/sessions', 'Sessions'],
      ...(may(role, 'event.list') ? [['/events', 'Events']] : []),
      ...(may(role, 'coverage.read') ? [['/coverage', 'Coverage']] : []),
      ['/approvals', 'Approvals'],
      ...(may(role, 'agent.list') ? [['/agents', 'Agents']] : []),
    ].map(([to, label]) => (
      <NavLink key={to} to={to!} style={{ textDecoration: 'none', color: 'inherit' }}>
        {({ isActive }) => (
          <Text span fw={isActive ? 700 : 400} td={isActive ? 'underline' : undefined}>
            {label}
          </Text>
        )}
      </NavLink>
    ))}
  </Group>
)

const ZoneSwitch = () => {
  const { zone, setZone } = useZone()
  return (
    <SegmentedControl
      size="xs"
      aria-label="Time zone of all times"
      value={zone}
      onChange={(value) => setZone(value as Zone)}
      data={[
        { value: 'utc', label: 'UTC' },
        { value: 'local', label: 'Local' },
      ]}
    />
  )
}

const NotSignedIn = () => (
  <Center h="100vh" p="md">
    <div>
      <Title order={1}>Bartizan</Title>
      <Text mt="md">You are not signed in, or your time is over.</Text>
      <Text mt="xs">
        Run <code>./bartizan login</code> on the machine Bartizan runs on, and open the link it prints.
      </Text>
    </div>
  </Center>
)

const Brand = () => (
  <Anchor href="/sessions" underline="never" fw={700} c="inherit">
    <Group gap="xs" wrap="nowrap">
      <img src="/favicon.svg" width={24} height={24} alt="" />
      <Text span inherit visibleFrom="md">
        Bartizan
      </Text>
    </Group>
  </Anchor>
)

const SignedIn = ({ me: { name, role } }: { me: Me }) => {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const signOut = async () => {
    await api.signOut()
    queryClient.clear()
    await navigate('/sign-in')
  }
  return (
    <Group gap="md" wrap="nowrap">
      <ZoneSwitch />
      <Text size="sm" c="dimmed" visibleFrom="lg">
        {name} · {role}
      </Text>
      <Button size="xs" variant="default" onClick={signOut}>
        Sign out
      </Button>
    </Group>
  )
}

export const Layout = () => {
  const me = useQuery({ queryKey: ['me'], queryFn: ({ signal }) => api.me(signal), retry: false })
  const location = useLocation()
  if (me.isPending) {
    return (
      <Center h="100vh">
        <Loader aria-label="Loading" />
      </Center>
    )
  }
  if (me.error instanceof Refusal && me.error.status === 401) return <NotSignedIn />
  if (me.error) return <Failure error={me.error} />
  return (
    <AppShell header={{ height: 56 }} padding="md">
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="lg" wrap="nowrap">
            <Brand />
            <Navigation role={me.data.role} />
          </Group>
          <SignedIn me={me.data} />
        </Group>
      </AppShell.Header>
      <AppShell.Main key={location.pathname}>
        <Outlet context={me.data} />
      </AppShell.Main>
    </AppShell>
  )
}

import { Alert, Center, Container, Group, Loader, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, Refusal } from '../api.ts'
import { ReplayPane } from '../components/replay-pane.tsx'
import { Time } from '../time.tsx'
import { visible } from '../visible.ts'

/** The link's secret stands behind the #, which no server and no log is sent; it leaves the address bar, too. */
const takeLink = (): string => {
  const link = location.hash.slice(1)
  if (link) history.replaceState(null, '', '/shared')
  return link
}

const Closed = ({ error }: { error: Error }) => (
  <Alert color="orange" title="This link does not open" role="alert" my="md">
    <Text size="sm">
      {error instanceof Refusal && error.status === 404
        ? 'It is over, was taken back, or is not whole. Ask whoever sent it.'
        : error.message}
    </Text>
  </Alert>
)

/** A part of a recording for somebody without an account: the player alone. */
export const SharedPage = () => {
  const [link] = useState(takeLink)
  const opened = useQuery({
    queryKey: ['shared', link],
    queryFn: async ({ signal }) => {
      // Opened once before in this browser, the cookie is enough.
      if (link) await api.openShared(link)
      return api.sharedSession(signal)
    },
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const session = opened.data
  return (
    <Container size="lg" py="md">
      <title>A shared recording · Bartizan</title>
      {opened.isPending && (
        <Center p="xl">
          <Loader aria-label="Loading" />
        </Center>
      )}
      {opened.error && <Closed error={opened.error} />}
      {session && (
        <>
          <Group justify="space-between" mb="md">
            <Title order={1} size="h3">
              {visible(`${session.user} on ${session.bastion}`)}
            </Title>
            <Text size="sm">
              Recorded <Time at={Date.parse(session.startedAt) + session.fromMs} /> to{' '}
              <Time at={Date.parse(session.startedAt) + session.toMs} /> UTC
            </Text>
          </Group>
          <ReplayPane folder="/api/shared/replay" place="shared" startAtMs={0} />
          <Text size="sm" c="dimmed" mt="md">
            This is a part of a recorded session. The link works until <Time at={session.expiresAt} /> UTC, and each
            opening of it is logged.
          </Text>
        </>
      )}
    </Container>
  )
}

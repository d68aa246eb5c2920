import { Center, Loader, Stack, Text, Title } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { api } from '../api.ts'

/** Opens from a one-time link `/sign-in#<code>`; the code leaves the address bar at once. */
export const SignInPage = () => {
  const navigate = useNavigate()
  const [failure, setFailure] = useState<string | null>(null)
  const started = useRef(false)

  useEffect(() => {
    if (started.current) return
    started.current = true
    const code = window.location.hash.slice(1)
    window.history.replaceState(null, '', '/sign-in')
    if (!code) {
      setFailure('This page needs a one-time sign-in link.')
      return
    }
    api.signIn(code).then(
      () => navigate('/sessions', { replace: true }),
      (error: Error) => setFailure(error.message),
    )
  }, [navigate])

  return (
    <Center h="100vh" p="md">
      <Stack>
        <Title order={1}>Bartizan</Title>
        {failure === null ? (
          <Loader aria-label="Signing in" />
        ) : (
          <>
            <Text role="alert">{failure}</Text>
            <Text>
              Run <code>./bartizan login</code> on the machine Bartizan runs on, and open the link it prints.
            </Text>
          </>
        )}
      </Stack>
    </Center>
  )
}

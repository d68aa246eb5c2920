import '@mantine/core/styles.css'
import 'asciinema-player/dist/bundle/asciinema-player.css'
import './console.css'
import { createTheme, MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createBrowserRouter, Navigate, RouterProvider } from 'react-router'
import { Refusal } from './api.ts'
import { Layout } from './layout.tsx'
import { AgentsPage } from './pages/agents.tsx'
import { AlertPage } from './pages/alert.tsx'
import { AlertsPage } from './pages/alerts.tsx'
import { ApprovalsPage } from './pages/approvals.tsx'
import { CoveragePage } from './pages/coverage.tsx'
import { EventsPage } from './pages/events.tsx'
import { SessionPage } from './pages/session.tsx'
import { SessionsPage } from './pages/sessions.tsx'
import { SharedPage } from './pages/shared.tsx'
import { SignInPage } from './pages/sign-in.tsx'
import { UserPage } from './pages/user.tsx'
import { ZoneProvider } from './time.tsx'

const queryClient = new QueryClient({
  defaultOptions: {
    // Else nothing is asked while the browser believes it is offline, and nothing is said either.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      refetchOnWindowFocus: false,
      retry: (failures, error) => !(error instanceof Refusal && error.status < 500) && failures < 2,
    },
  },
})

const router = createBrowserRouter([
  { path: '/sign-in', element: <SignInPage /> },
  { path: '/shared', element: <SharedPage /> },
  {
    element: <Layout />,
    children: [
      { path: '/', element: <Navigate to="/sessions" replace /> },
      { path: '/alerts', element: <AlertsPage /> },
      { path: '/alerts/:id', element: <AlertPage /> },
      { path: '/users/:user', element: <UserPage /> },
      { path: '/sessions', element: <SessionsPage /> },
      { path: '/sessions/:id', element: <SessionPage /> },
      { path: '/events', element: <EventsPage /> },
      { path: '/coverage', element: <CoveragePage /> },
      { path: '/approvals', element: <ApprovalsPage /> },
      { path: '/agents', element: <AgentsPage /> },
      { path: '*', element: <Navigate to="/sessions" replace /> },
    ],
  },
])

const theme = createTheme({
  primaryColor: 'teal',
  // Links and buttons must keep a contrast of 4.5:1 on white (WCAG 1.4.3): the default shade does not.
  primaryShade: { light: 9, dark: 5 },
  fontFamilyMonospace: 'ui-monospace, "DejaVu Sans Mono", monospace',
})

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <ZoneProvider>
          <RouterProvider router={router} />
        </ZoneProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)

import { NewLoginLink, NewToken, SignIn } from '../routes/access.ts'
import type { Operation } from './operation.ts'

/** Whether it runs, and who asks. */
export const accessOperations: Operation[] = [
  { method: 'get', path: '/healthz', summary: 'The process is alive' },
  { method: 'get', path: '/readyz', summary: 'All stages run' },
  { method: 'get', path: '/metrics', summary: 'Metrics for Prometheus', answerType: 'text/plain' },
  { method: 'post', path: '/api/sign-in', summary: 'Trade a one-time code for a browser session', body: SignIn },
  { method: 'post', path: '/api/sign-out', summary: 'End the browser session', status: 204 },
  { method: 'get', path: '/api/me', summary: 'Who asks' },
  {
    method: 'post',
    path: '/api/login-links',
    summary: 'Make a one-time sign-in link',
    body: NewLoginLink,
    status: 201,
  },
  { method: 'get', path: '/api/tokens', summary: 'All tokens, without their secrets' },
  {
    method: 'post',
    path: '/api/tokens',
    summary: 'Make a token; its secret is shown once',
    body: NewToken,
    status: 201,
  },
  { method: 'delete', path: '/api/tokens/{id}', summary: 'Revoke a token', status: 204 },
]

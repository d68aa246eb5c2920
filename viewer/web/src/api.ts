import type { Command, List, Session } from '../../../services/schema/session.ts'
import type { SessionEvent } from '../../../services/schema/session-event.ts'

export type { Command, List, Session, SessionEvent }

/** An answer other than 2xx, in the server's own words (RFC 9457). */
export class Refusal extends Error {
  readonly status: number
  readonly hint: string | undefined
  constructor(status: number, detail: string, hint: string | undefined) {
    super(detail)
    this.status = status
    this.hint = hint
  }
}

const call = async (method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> => {
  const response = await fetch(path, {
    method,
    headers: { 'x-bartizan': '1', ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  })
  if (response.status === 204) return null
  const answer = (await response.json().catch(() => ({}))) as { detail?: string; hint?: string }
  if (!response.ok) throw new Refusal(response.status, answer.detail ?? response.statusText, answer.hint)
  return answer
}

const query = (parameters: Record<string, string | undefined>): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value) search.set(name, value)
  return search.size > 0 ? `?${search}` : ''
}

export type Me = { name: string; role: string; bastion: string }
export type Parameters = Record<string, string | undefined>

export const api = {
  me: (signal?: AbortSignal) => call('GET', '/api/me', undefined, signal) as Promise<Me>,
  signIn: (code: string) => call('POST', '/api/sign-in', { code }) as Promise<Me>,
  signOut: () => call('POST', '/api/sign-out'),
  sessions: (parameters: Parameters, signal?: AbortSignal) =>
    call('GET', `/api/sessions${query(parameters)}`, undefined, signal) as Promise<List<Session>>,
  session: (id: string, signal?: AbortSignal) =>
    call('GET', `/api/sessions/${id}`, undefined, signal) as Promise<Session>,
  commands: (id: string, parameters: Parameters, signal?: AbortSignal) =>
    call('GET', `/api/sessions/${id}/commands${query(parameters)}`, undefined, signal) as Promise<List<Command>>,
  events: (parameters: Parameters, signal?: AbortSignal) =>
    call('GET', `/api/events${query(parameters)}`, undefined, signal) as Promise<List<SessionEvent>>,
  terminate: (id: string, reason: string) => call('POST', `/api/sessions/${id}/terminate`, { reason }),
}

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import express from 'express'
import { createReceiver, type ReceiverOptions } from '#ingest/receiver/receiver.ts'
import { createAgentKeys } from '#services/access/agent-keys.ts'
import { createTokens } from '#services/access/tokens.ts'
import { createEnrolmentCodes } from '#services/agents/enrolment-codes.ts'
import { createEnrolments } from '#services/agents/enrolments.ts'
import { createHeartbeats } from '#services/agents/heartbeats.ts'
import { createOrders } from '#services/agents/orders.ts'
import type { Authority } from '#services/pki/authority.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { ingestBackends } from './ingest-backends.ts'
import type { Teardown } from './temporary-folder.ts'

export type ServedOptions = Partial<ReceiverOptions> & { ingest?: Parameters<typeof ingestBackends>[1] }

/** A receiver behind a real HTTP server, with a token of bastion-1, one of an admin and one of an analyst. */
export const serveReceiver = async (
  t: Teardown,
  { authority = null, ingest = {}, ...replaced }: ServedOptions & { authority?: Authority | null } = {},
) => {
  const backends = await ingestBackends(t, ingest)
  const state = await createSqliteStateStore({ file: join(backends.folder, 'state.db') })
  t.teardown(state.close)
  const tokens = createTokens({ state, clock: backends.clock })
  const make = async (token: Parameters<typeof tokens.create>[0]) => (await tokens.create(token)).secret
  const secrets = {
    bastion: await make({ role: 'ingest', name: 'agent', bastion: 'bastion-1', actor: 'test' }),
    admin: await make({ role: 'admin', name: 'root', actor: 'test' }),
    analyst: await make({ role: 'analyst', name: 'ann', actor: 'test' }),
  }
  const agentKeys = createAgentKeys({ ...backends, state })
  const heartbeats = createHeartbeats({ ...backends, state })
  const orders = createOrders({ ...backends, state })
  t.teardown(orders.close)
  const enrolments = createEnrolments({ ...backends, state })
  const codes = createEnrolmentCodes({ ...backends, state })
  const stores = { tokens, agentKeys, enrolments, heartbeats, orders }
  const enrolment = authority && { authority, codes, enrolments, agentKeys }
  const receiver = createReceiver({ ...backends, ...stores, plainFrom: [], enrolment, recordings: null, ...replaced })
  const server = createServer(express().use(receiver)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const call = (
    method: string,
    path: string,
    body: NonNullable<RequestInit['body']>,
    headers: Record<string, string> = {},
  ) => fetch(url + path, { method, body, headers: { authorization: `Bearer ${secrets.bastion}`, ...headers } })
  return { ...backends, ...stores, state, codes, receiver, secrets, url, call }
}

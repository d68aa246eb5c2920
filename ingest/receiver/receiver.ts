import express, { type Request, type Response, type Router } from 'express'
import { Counter, type Registry } from 'prom-client'
import type { AgentKeys } from '#services/access/agent-keys.ts'
import type { Heartbeats } from '#services/agents/heartbeats.ts'
import type { Orders } from '#services/agents/orders.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { CatalogReader } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
import { problemHandler } from '#services/http/problem.ts'
import type { Logger } from '#services/log.ts'
import { Heartbeat, type HeartbeatAnswer } from '#services/schema/uplink.ts'
import { encryptedOrNear, knownProtocol } from './connection.ts'
import { createDurableSeqs } from './durable-seqs.ts'
import { createEnrolment, type EnrolOptions } from './enrol.ts'
import { parseJson } from './parse-json.ts'
import { createBodyReader } from './read-body.ts'
import { registerImportKey } from './register-import-key.ts'
import { createKeyRegister } from './register-key.ts'
import { type Credentials, identifySender, type Sender } from './sender.ts'
import { takeBatches } from './take-batches.ts'
import { takeEvents } from './take-events.ts'

export type ReceiverOptions = {
  bus: Pick<Bus, 'produce' | 'maxRecordBytes'>
  catalog: Pick<CatalogReader, 'durableSeqs'>
  tokens: Credentials['tokens']
  enrolments: Credentials['enrolments']
  agentKeys: Pick<AgentKeys, 'seen'>
  /** Networks, besides loopback, whose agents may come over plain HTTP. */
  plainFrom: readonly string[]
  /** Null: agents of other machines are not enrolled here. */
  enrolment: Pick<EnrolOptions, 'authority' | 'codes' | 'enrolments' | 'agentKeys'> | null
  heartbeats: Pick<Heartbeats, 'heard'>
  orders: Pick<Orders, 'wait' | 'take'>
  clock: Clock
  log: Logger
  registry: Registry
}

const createMetrics = (registry: Registry) => {
  const registers = [registry]
  const labelNames = ['what', 'outcome'] as const
  return {
    taken: new Counter({ name: 'bartizan_receiver_items_total', help: 'what agents sent', labelNames, registers }),
    bytes: new Counter({ name: 'bartizan_receiver_bytes_total', help: 'unpacked bytes of bodies', registers }),
  }
}

/** Aborted when the client has gone, or its connection. */
const goneSignal = (response: Response): AbortSignal => {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return gone.signal
}

const agentPaths = ['/api/ingest', '/api/agents/heartbeat', '/api/agents/enrol', '/api/agents/certificate']

/** What agents and importers speak to: batches, events, heartbeats. */
export const createReceiver = (options: ReceiverOptions): Router => {
  const { bus, catalog, heartbeats, orders, clock, log, registry } = options
  const metrics = createMetrics(registry)
  const durableSeqs = createDurableSeqs(catalog)
  const readBody = createBodyReader()
  const registerKey = createKeyRegister(options)

  /** Who sends is known before a byte of the body is read. */
  const receive = async (request: Request): Promise<{ sender: Sender; body: Buffer }> => {
    const sender = await identifySender(options, request)
    const body = await readBody(request)
    metrics.bytes.inc(body.byteLength)
    return { sender, body }
  }
  const postBatches = async (request: Request, response: Response): Promise<void> => {
    const { sender, body } = await receive(request)
    const { answer, acceptedCount } = await takeBatches(bus, sender, body)
    metrics.taken.inc({ what: 'batch', outcome: 'accepted' }, acceptedCount)
    metrics.taken.inc({ what: 'batch', outcome: 'rejected' }, answer.rejected.length)
    for (const refused of answer.rejected) log.warn(refused, 'a batch was refused')
    response.json(answer)
  }
  const postEvents = async (request: Request, response: Response): Promise<void> => {
    const { sender, body } = await receive(request)
    const answer = await takeEvents(bus, sender, body, clock.now())
    metrics.taken.inc({ what: 'event', outcome: 'accepted' }, answer.accepted)
    metrics.taken.inc({ what: 'event', outcome: 'rejected' }, answer.rejected.length)
    response.json(answer)
  }
  const putHeartbeat = async (request: Request, response: Response): Promise<void> => {
    const { sender, body } = await receive(request)
    const receivedAtMs = clock.now()
    const heartbeat = parseJson(Heartbeat, body)
    if (!sender.mayWriteFor(heartbeat.bastion))
      throw new BartizanError('BTZ_FORBIDDEN', `the token may not write for bastion ${heartbeat.bastion}`)
    heartbeats.heard(heartbeat)
    const signingKey = await registerKey(heartbeat)
    const gone = goneSignal(response)
    await orders.wait(heartbeat.bastion, heartbeat.waitMs, gone)
    // Nobody reads it: the orders stay for the next heartbeat.
    if (gone.aborted) return
    await identifySender(options, request) // revoked while it waited
    const evidence = await durableSeqs(heartbeat).catch((err: unknown) => {
      log.warn({ err }, 'what is evidence cannot be told: the catalog does not answer')
      return []
    })
    const taken = await orders.take(heartbeat)
    const times = { receivedAtMs, answeredAtMs: clock.now() }
    response.json({ orders: taken, signingKey, evidence, clock: times } satisfies HeartbeatAnswer)
  }

  const router = express.Router()
  router.use(agentPaths, encryptedOrNear(options.plainFrom), knownProtocol)
  if (options.enrolment !== null) router.use(createEnrolment({ ...options, ...options.enrolment }))
  router.post('/api/ingest/batches', postBatches)
  router.post('/api/ingest/events', postEvents)
  router.post('/api/ingest/signing-keys', async (request, response) => {
    const { sender, body } = await receive(request)
    response.json(await registerImportKey(options, sender, body))
  })
  router.put('/api/agents/heartbeat', putHeartbeat)
  router.use(problemHandler(log))
  return router
}

import express, { type Request, type Response, type Router } from 'express'
import { Counter, type Registry } from 'prom-client'
import type { Bus } from '#services/bus/bus.ts'
import { BartizanError } from '#services/errors.ts'
import { problemHandler } from '#services/http/problem.ts'
import type { Logger } from '#services/log.ts'
import { Heartbeat, type HeartbeatAnswer, type ImportKeyAnswer } from '#services/schema/uplink.ts'
import { encryptedOrNear, knownProtocol } from './connection.ts'
import { parseJson } from './parse-json.ts'
import { createBodyReader } from './read-body.ts'
import type { Identify, Sender } from './sender.ts'
import { takeBatches } from './take-batches.ts'
import { takeEvents } from './take-events.ts'

/** A heartbeat, and who brings it. `gone`: nobody waits for the answer any more. */
export type Beat = { request: Request; sender: Sender; heartbeat: Heartbeat; gone: AbortSignal }

export type UplinkRouterOptions = {
  bus: Pick<Bus, 'produce' | 'maxRecordBytes'>
  identify: Identify
  /** Networks, besides loopback, whose agents may come over plain HTTP. */
  plainFrom: readonly string[]
  /** Null: agents of other machines are not enrolled here. */
  enrolment: Router | null
  /** Null: no answer is needed, since nobody waits. */
  answerHeartbeat: (beat: Beat) => Promise<HeartbeatAnswer | null>
  /** The key of an import, for a bastion; null: imports go to the receiver itself. */
  importKey: ((sender: Sender, body: Buffer) => Promise<ImportKeyAnswer>) | null
  /** Null: recordings are uploaded to the receiver itself. */
  recordings: Router | null
  /** When events are received, Unix ms; null: they are passed on as they are. */
  receivedAtMs: () => number | null
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
export const createUplinkRouter = (options: UplinkRouterOptions): Router => {
  const { bus, identify, enrolment, answerHeartbeat, importKey, receivedAtMs, log, registry } = options
  const metrics = createMetrics(registry)
  const readBody = createBodyReader()

  /** Who sends is known before a byte of the body is read. */
  const receive = async (request: Request): Promise<{ sender: Sender; body: Buffer }> => {
    const sender = await identify(request)
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
    const answer = await takeEvents(bus, sender, body, receivedAtMs())
    metrics.taken.inc({ what: 'event', outcome: 'accepted' }, answer.accepted)
    metrics.taken.inc({ what: 'event', outcome: 'rejected' }, answer.rejected.length)
    response.json(answer)
  }
  const putHeartbeat = async (request: Request, response: Response): Promise<void> => {
    const { sender, body } = await receive(request)
    const heartbeat = parseJson(Heartbeat, body)
    if (!sender.mayWriteFor(heartbeat.bastion))
      throw new BartizanError('BTZ_FORBIDDEN', `the token may not write for bastion ${heartbeat.bastion}`)
    const answer = await answerHeartbeat({ request, sender, heartbeat, gone: goneSignal(response) })
    if (answer) response.json(answer)
  }

  const router = express.Router()
  router.use(agentPaths, encryptedOrNear(options.plainFrom), knownProtocol)
  if (enrolment !== null) router.use(enrolment)
  if (options.recordings !== null) router.use(options.recordings)
  router.post('/api/ingest/batches', postBatches)
  router.post('/api/ingest/events', postEvents)
  if (importKey !== null)
    router.post('/api/ingest/signing-keys', async (request, response) => {
      const { sender, body } = await receive(request)
      response.json(await importKey(sender, body))
    })
  router.put('/api/agents/heartbeat', putHeartbeat)
  router.use(problemHandler(log))
  return router
}

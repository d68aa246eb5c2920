import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import express from 'express'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { createIndexer } from '#ingest/indexer/indexer.ts'
import { createReceiver, type Receiver } from '#ingest/receiver/receiver.ts'
import { createEventRecorder } from '#ingest/recorder/event-recorder.ts'
import { createRecorder } from '#ingest/recorder/recorder.ts'
import { createBrowserSessions } from '#services/access/browser-sessions.ts'
import { createLoginLinks } from '#services/access/login-links.ts'
import { createTokens, type Tokens } from '#services/access/tokens.ts'
import type { Backends } from '#services/backends.ts'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { BartizanError } from '#services/errors.ts'
import { problemHandler } from '#services/http/problem.ts'
import type { Logger } from '#services/log.ts'
import { createAudit } from '#viewer/access/audit.ts'
import { createViewer } from '#viewer/viewer.ts'
import { ownerTokenFile } from './instance.ts'

/** The stages that run inside `up`, on the given back ends. */
export type Stages = {
  httpPort: number
  firstLoginLink(): Promise<string>
  /** Closes the open evidence blocks now, so that what was recorded stands before the end. */
  drain(): Promise<void>
  close(): Promise<void>
}
export type StagesOptions = { config: Config; backends: Backends; clock: Clock; log: Logger }

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new BartizanError('BTZ_PORT_IN_USE', `the console cannot listen on ${host}:${port}: ${cause.message}`, {
          hint: 'stop what listens there, or choose another with BARTIZAN_HTTP_PORT (0 = any free port)',
          cause,
        }),
      )
    })
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })

/** A token kept in a file of the data folder: made at the first start, and again when it is good no longer. */
const keepToken = async (tokens: Tokens, file: string, token: Parameters<Tokens['create']>[0]): Promise<void> => {
  const present = (await readFile(file, 'utf8').catch(() => '')).trim()
  if (present && (await tokens.verify(present))) return
  const { secret } = await tokens.create(token)
  await writeFileDurably(file, `${secret}\n`)
}

const createAccess = async ({ config, backends, clock }: StagesOptions) => {
  const { state } = backends
  const tokens = createTokens({ state, clock, adminToken: process.env.BARTIZAN_ADMIN_TOKEN })
  await keepToken(tokens, ownerTokenFile(config.data), { role: 'admin', name: 'owner', actor: 'bartizan' })
  await keepToken(tokens, join(config.data, 'agent', 'token'), {
    role: 'ingest',
    name: `agent on ${config.bastion}`,
    bastion: config.bastion,
    actor: 'bartizan',
  })
  return {
    tokens,
    loginLinks: createLoginLinks({ state, clock, minutes: config.viewer.loginLinkMinutes }),
    browserSessions: createBrowserSessions({ state, clock, hours: config.viewer.sessionHours }),
  }
}

const startWorkers = async (options: StagesOptions, registry: Registry, receiver: Receiver) => {
  const { config, backends, clock, log } = options
  const shared = { ...backends, config: config.ingest, retentionDays: config.recordings.retentionDays, clock, registry }
  const { lastHeartbeatMs } = receiver
  const recorder = await createRecorder({ ...shared, lastHeartbeatMs, log: log.child({ stage: 'recorder' }) })
  const eventRecorder = await createEventRecorder({ ...shared, log: log.child({ stage: 'event-recorder' }) })
  const indexer = await createIndexer({ ...shared, log: log.child({ stage: 'indexer' }) })
  return {
    drain: async () => {
      await Promise.all([recorder.drain(), eventRecorder.drain()])
    },
    close: async () => {
      await Promise.all([recorder.close(), eventRecorder.close(), indexer.close()])
    },
  }
}

export const startStages = async (options: StagesOptions): Promise<Stages> => {
  const { config, backends, clock, log } = options
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const access = await createAccess(options)
  const receiver = createReceiver({
    ...backends,
    tokens: access.tokens,
    clock,
    log: log.child({ stage: 'receiver' }),
    registry,
  })
  let httpPort = config.http.port
  let ready = false
  const publicUrl = () => config.http.publicUrl ?? `http://127.0.0.1:${httpPort}`

  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.use(receiver.router)
  app.use(
    createViewer({
      ...access,
      ...backends,
      config,
      clock,
      log: log.child({ stage: 'viewer' }),
      audit: createAudit({ bus: backends.bus, bastion: config.bastion, clock }),
      terminate: receiver.terminate,
      ready: () => ready,
      metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
      publicUrl,
    }),
  )
  app.use(problemHandler(log))
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 15_000 }, app)
  httpPort = await listen(server, config.http.host, config.http.port)
  const workers = await startWorkers(options, registry, receiver)
  ready = true

  return {
    httpPort,
    firstLoginLink: async () => {
      const { code } = await access.loginLinks.issue({ name: 'owner', role: 'admin', actor: 'bartizan' })
      return `${publicUrl()}/sign-in#${code}`
    },
    drain: workers.drain,
    close: async () => {
      ready = false
      server.close()
      server.closeAllConnections()
      await workers.close()
    },
  }
}

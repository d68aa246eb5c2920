import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import {
  type Backends,
  openBackends,
  openReceiverBackends,
  type ReceiverBackends,
  withStoreLogin,
} from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { BartizanError } from '#services/errors.ts'
import { createLogger, type Logger } from '#services/log.ts'
import { keepOwnerToken, openAccess, ownerLink } from './access.ts'
import { nextSignal, prepareFolder } from './process.ts'
import { serve } from './serve.ts'
import { authorityOf, serveAgents } from './serve-agents.ts'
import { configOf } from './settings.ts'
import { custodyStage } from './stages/custody.ts'
import { deliveryStage } from './stages/delivery.ts'
import { detectorsStage } from './stages/detectors.ts'
import { healthStage } from './stages/health.ts'
import { ingestStage } from './stages/ingest.ts'
import { receiverStage } from './stages/receiver.ts'
import { type Closing, createRegistry, type DrainedStage, type RoutedStage, type StageOptions } from './stages/stage.ts'
import { viewerStage } from './stages/viewer.ts'

/** One stage as a process of its own, on the cluster's back ends. Resolves to what ends it. */
type Role = (config: Config, log: Logger) => Promise<{ httpPort: number; stop(): Promise<void> }>

/** What a role's stages share, and its port, which answers `/readyz` with 503 until `started`. */
const processOf = (config: Config) => {
  let isReady = false
  return {
    shared: { config, clock: systemClock, registry: createRegistry(), ready: () => isReady },
    started: () => {
      isReady = true
    },
  }
}

const receiver: Role = async (config, log) => {
  const { shared, started } = processOf(config)
  const backends = await openReceiverBackends(config, systemClock, log)
  const options = { ...shared, backends, log, access: openAccess({ ...shared, backends }) }
  const authority = await authorityOf(config)
  const stage = receiverStage(options, authority)
  const served = await serve(config, log, [healthStage(options).router, stage.router])
  const agents = await serveAgents(options, authority, stage.router)
  started()
  return {
    httpPort: served.httpPort,
    stop: async () => {
      served.close()
      await agents.close()
      await stage.close()
      await backends.close()
    },
  }
}

/** A role that works on evidence, and answers nothing but health and metrics. */
const evidenceRole =
  (open: (options: StageOptions<Backends>) => Promise<Closing & Partial<DrainedStage>>): Role =>
  async (config, log) => {
    const { shared, started } = processOf(config)
    const backends = await openBackends(config, systemClock, log)
    const options = { ...shared, backends, log, access: openAccess({ ...shared, backends }) }
    const served = await serve(config, log, [healthStage(options).router])
    const stage = await open(options)
    started()
    return {
      httpPort: served.httpPort,
      stop: async () => {
        await stage.drain?.()
        await stage.close()
        served.close()
        await backends.close()
      },
    }
  }

/** A role that answers nothing but health and metrics, and keeps no evidence. */
const busRole =
  (open: (options: StageOptions<ReceiverBackends>, publicUrl: () => string) => Promise<Closing>): Role =>
  async (config, log) => {
    const { shared, started } = processOf(config)
    const backends = await openReceiverBackends(config, systemClock, log)
    const options = { ...shared, backends, log, access: openAccess({ ...shared, backends }) }
    const served = await serve(config, log, [healthStage(options).router])
    const publicUrl = () => config.http.publicUrl ?? `http://${config.http.host}:${config.http.port}`
    const stage = await open(options, publicUrl)
    started()
    return {
      httpPort: served.httpPort,
      stop: async () => {
        await stage.close()
        served.close()
        await backends.close()
      },
    }
  }

/** With credentials of its own: neither the writer's nor the reader's. */
const custodian: Role = (config, log) => evidenceRole(custodyStage)(withStoreLogin(config, 'custodian'), log)

const viewer: Role = async (config, log) => {
  const { shared, started } = processOf(config)
  const backends = await openBackends(config, systemClock, log)
  const access = openAccess({ ...shared, backends })
  await keepOwnerToken(access, config)
  let httpPort = config.http.port
  const publicUrl = () => config.http.publicUrl ?? `http://127.0.0.1:${httpPort}`
  const options = { ...shared, backends, log, access }
  const stage: RoutedStage = viewerStage(options, publicUrl)
  const served = await serve(config, log, [stage.router])
  httpPort = served.httpPort
  const endpointsFile = join(config.data, 'endpoints.json')
  await writeFileDurably(endpointsFile, JSON.stringify({ httpPort, pid: process.pid }))
  process.stdout.write(`Console: ${await ownerLink(access, publicUrl())}\n`)
  started()
  return {
    httpPort,
    stop: async () => {
      await rm(endpointsFile, { force: true })
      served.close()
      await stage.close()
      await backends.close()
    },
  }
}

const run = async (name: string, role: Role, config: Config): Promise<void> => {
  if (config.backend !== 'cluster') {
    throw new BartizanError('BTZ_CONFIG_INVALID', `\`${name}\` runs on a cluster, and backend is ${config.backend}`, {
      hint: 'set BARTIZAN_BACKEND=cluster, or run everything in one process with `bartizan up`',
    })
  }
  const log = createLogger(name, config.log.level)
  const stopped = nextSignal()
  await prepareFolder(config.data)
  const { httpPort, stop } = await role(config, log)
  process.stdout.write(`${name} is ready: http://${config.http.host}:${httpPort}/readyz\n`)
  const signal = await stopped
  process.stdout.write(`${signal}: stopping\n`)
  await stop()
}

const roleCommand = (name: string, description: string, role: Role) => (): Command =>
  new Command(name)
    .description(description)
    .addHelpText(
      'after',
      `\nNeeds BARTIZAN_BACKEND=cluster. Run as many as the load asks for; each answers /healthz, /readyz and /metrics.\nExample: BARTIZAN_BACKEND=cluster BARTIZAN_KAFKA_BROKERS=k1:9092,k2:9092 bartizan ${name}`,
    )
    .action((_options: object, command: Command) => run(name, role, configOf(command)))

export const roleCommands = [
  roleCommand('receiver', 'Take what agents send, and put it on the bus.', receiver),
  roleCommand('ingest', 'Make evidence and the index of what is on the bus.', evidenceRole(ingestStage)),
  roleCommand(
    'detectors',
    'Tell what is wrong from what is on the bus: events in, alerts out.',
    busRole(detectorsStage),
  ),
  roleCommand('delivery', 'Send events and alerts to the destinations of the configuration.', busRole(deliveryStage)),
  roleCommand('custodian', 'Hold evidence, keep it longer: carry out what people decided about it.', custodian),
  roleCommand('viewer', 'Serve the console and its API.', viewer),
]

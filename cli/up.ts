import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { logWriterGroup } from '#ingest/log/log-writer.ts'
import { type Backends, openBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { createLogger, type Logger } from '#services/log.ts'
import { keepAgentToken, keepOwnerToken, openAccess, ownerLink } from './access.ts'
import { type AgentProcess, superviseAgent } from './agent-process.ts'
import { lockData } from './data-lock.ts'
import { nextSignal, prepareFolder } from './process.ts'
import { readyMessage } from './ready-message.ts'
import { serve } from './serve.ts'
import { authorityOf, serveAgents } from './serve-agents.ts'
import { configOf } from './settings.ts'
import { custodyStage } from './stages/custody.ts'
import { deliveryRouter, deliveryStage } from './stages/delivery.ts'
import { detectorsStage } from './stages/detectors.ts'
import { ingestStage } from './stages/ingest.ts'
import { receiverStage } from './stages/receiver.ts'
import { createRegistry } from './stages/stage.ts'
import { viewerStage } from './stages/viewer.ts'

const agentMarginMs = 10_000
const catchUpMs = 10_000

/** Every stage in this process, on one port. */
const startAll = async (config: Config, backends: Backends, log: Logger) => {
  const access = openAccess({ config, backends, clock: systemClock })
  await Promise.all([keepOwnerToken(access, config), keepAgentToken(access, config)])
  let isReady = false
  let httpPort = config.http.port
  const publicUrl = () => config.http.publicUrl ?? `http://127.0.0.1:${httpPort}`
  const registry = createRegistry()
  const options = { config, backends, access, clock: systemClock, log, registry, ready: () => isReady }
  const authority = await authorityOf(config)
  const custodian = await custodyStage(options)
  const [receiver, viewer] = [receiverStage(options, authority), viewerStage(options, publicUrl, custodian.changed)]
  const served = await serve(config, log, [receiver.router, deliveryRouter(options), viewer.router])
  httpPort = served.httpPort
  const ingest = await ingestStage(options)
  const detectors = await detectorsStage(options)
  const delivery = await deliveryStage(options, publicUrl)
  const agents = await serveAgents(options, authority, receiver.router)
  isReady = true
  return {
    httpPort,
    link: () => ownerLink(access, publicUrl()),
    drain: async () => {
      await detectors.drain()
      await ingest.drain()
    },
    close: async () => {
      isReady = false
      served.close()
      await Promise.all([
        agents.close(),
        receiver.close(),
        viewer.close(),
        ingest.close(),
        custodian.close(),
        detectors.close(),
        delivery.close(),
      ])
    },
  }
}

/**
 * Waits, with a limit, until every group has committed what the bus holds. Destinations outside may be away for long; a leaf
 * of the log waits for the next checkpoint.
 */
const caughtUp = async ({ bus }: Backends): Promise<boolean> => {
  const end = Date.now() + catchUpMs
  while (Date.now() < end) {
    const lag = (await bus.lag()).filter(({ group }) => group !== logWriterGroup && !group.startsWith('sink-'))
    if (lag.every(({ committed, end: last }) => committed >= last)) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

const run = async (config: Config, configFile: string | undefined, log: Logger): Promise<void> => {
  await prepareFolder(config.data)
  const lock = await lockData(config, 'up')
  const endpointsFile = join(config.data, 'endpoints.json')
  await rm(endpointsFile, { force: true })
  const stopped = nextSignal()

  const backends = await openBackends(config, systemClock, log)
  const stages = await startAll(config, backends, log)
  const publish = (agent: { pid: number; sudoPort: number }) =>
    writeFileDurably(
      endpointsFile,
      JSON.stringify({ httpPort: stages.httpPort, sudoPort: agent.sudoPort, pid: process.pid, agentPid: agent.pid }),
    )
  let agent: AgentProcess
  try {
    agent = await superviseAgent({ config, configFile, log, onRestart: publish })
  } catch (error) {
    await stages.close()
    await backends.close()
    throw error
  }
  const link = await stages.link()
  await publish(agent.info())
  process.stdout.write(
    readyMessage({
      link,
      linkMinutes: config.viewer.loginLinkMinutes,
      httpPort: stages.httpPort,
      sudoPort: agent.info().sudoPort,
      data: config.data,
      headless: !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY,
    }),
  )

  const signal = await stopped
  process.stdout.write(`\n${signal}: draining. Open sessions get ${config.agent.drainMs / 1000} s.\n`)
  // The receiver stays until the agent has handed over its spool, the workers until they have seen it.
  await agent.stop(config.agent.drainMs + agentMarginMs)
  await rm(endpointsFile, { force: true })
  await stages.drain()
  if (!(await caughtUp(backends))) log.warn('not everything was consumed before the end; it goes on at the next start')
  await stages.close()
  await backends.close()
  await lock.release()
  process.stdout.write('Stopped. Everything recorded is kept.\n')
}

export const upCommand = (): Command =>
  new Command('up')
    .description('Start everything on this machine: agent, ingest, index, console. `npm start` runs this.')
    .addHelpText(
      'after',
      '\nExample: BARTIZAN_DATA=/var/lib/bartizan bartizan up\nStop it with Ctrl-C or SIGTERM: it drains and exits 0.',
    )
    .action(async (_options: object, command: Command) => {
      const config = configOf(command)
      const log = createLogger('bartizan', config.log.level)
      await run(config, command.optsWithGlobals<{ config?: string }>().config, log)
    })

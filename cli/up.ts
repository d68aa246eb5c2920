import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { type Backends, embedded } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { systemCode } from '#services/disk-error.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import { acquireLock } from '#services/lock/sqlite-lock.ts'
import { createLogger, type Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import { type AgentProcess, superviseAgent } from './agent-process.ts'
import { readyMessage } from './ready-message.ts'
import { configOf } from './settings.ts'
import { startStages } from './stages.ts'

const agentMarginMs = 10_000
const catchUpMs = 10_000

const prepareFolder = async (data: string): Promise<void> => {
  try {
    await makeFolder(join(data, 'agent'))
    await writeFile(join(data, '.writable'), '')
    await rm(join(data, '.writable'))
  } catch (cause) {
    const full = systemCode(cause) === 'ENOSPC' || hasCode(cause, 'BTZ_DISK_FULL')
    throw new BartizanError(
      full ? 'BTZ_DISK_FULL' : 'BTZ_DATA_UNWRITABLE',
      `the data folder ${data} cannot be written: ${(cause as Error).message}`,
      { hint: 'name another one with BARTIZAN_DATA, or mend its owner, mode or free space', cause },
    )
  }
}

const nextSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve(signal))
  })

/** Waits, with a limit, until every group has committed what the bus holds. */
const caughtUp = async ({ bus }: Backends): Promise<boolean> => {
  const end = Date.now() + catchUpMs
  while (Date.now() < end) {
    const lag = await bus.lag()
    if (lag.every(({ committed, end: last }) => committed >= last)) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

const run = async (config: Config, configFile: string | undefined, log: Logger): Promise<void> => {
  await prepareFolder(config.data)
  const lock = await acquireLock(join(config.data, 'lock.db'), { pid: process.pid, what: 'bartizan up' })
  const endpointsFile = join(config.data, 'endpoints.json')
  await rm(endpointsFile, { force: true })
  const stopped = nextSignal()

  const backends = await embedded(config, systemClock, log)
  const stages = await startStages({ config, backends, clock: systemClock, log })
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
  const link = await stages.firstLoginLink()
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
      if (process.env.BARTIZAN_OPENSSH_LOG) {
        log.warn('BARTIZAN_OPENSSH_LOG is set, but this version does not follow the log of sshd yet')
      }
      await run(config, command.optsWithGlobals<{ config?: string }>().config, log)
    })

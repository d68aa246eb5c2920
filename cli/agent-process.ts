import { spawn } from 'node:child_process'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Config } from '#services/config.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import { acquireLock } from '#services/lock/sqlite-lock.ts'
import type { Logger } from '#services/log.ts'

/**
 * The agent outlives `up` on purpose: its death or restart must never depend on viewer, ingest or index. It is started
 * in a session of its own, its log goes to a file, and a new `up` adopts the one that runs.
 */
export type AgentProcess = {
  info(): AgentInfo
  /** SIGTERM, then waits until it has drained; SIGKILL when it takes longer than `limitMs`. */
  stop(limitMs: number): Promise<void>
}

const AgentInfo = z.looseObject({ pid: z.number().int(), sudoPort: z.number().int() })
export type AgentInfo = z.infer<typeof AgentInfo>

const startLimitMs = 20_000
const maxLogBytes = 16 * 1024 * 1024
const entry = fileURLToPath(new URL('./bartizan.ts', import.meta.url))

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const readInfo = async (data: string): Promise<AgentInfo | null> =>
  readFile(join(data, 'agent', 'agent.json'), 'utf8').then(
    (text) => AgentInfo.parse(JSON.parse(text)),
    () => null,
  )

/** The lock is released by the kernel when its holder dies: no reused pid can be taken for our agent. */
const agentRuns = async (data: string): Promise<boolean> => {
  try {
    const lock = await acquireLock(join(data, 'agent', 'lock.db'), {
      pid: process.pid,
      what: 'up, looking for an agent',
    })
    await lock.release()
    return false
  } catch (error) {
    if (hasCode(error, 'BTZ_DATA_LOCKED')) return true
    throw error
  }
}

const openLog = async (file: string) => {
  const size = await stat(file).then(
    ({ size }) => size,
    () => 0,
  )
  if (size > maxLogBytes) await rename(file, `${file}.1`)
  return open(file, 'a', 0o600)
}

const spawnAgent = async (config: Config, configFile: string | undefined) => {
  const log = await openLog(join(config.data, 'agent', 'agent.log'))
  const child = spawn(process.execPath, [entry, ...(configFile ? ['--config', configFile] : []), 'agent'], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, BARTIZAN_DATA: config.data },
  })
  await log.close()
  return child
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The last line of the agent's log: what a person needs to know when it did not start. */
const lastWords = async (data: string): Promise<string> => {
  const text = await readFile(join(data, 'agent', 'agent.log'), 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-2).join(' ').slice(-600)
}

const started = async (config: Config, configFile: string | undefined): Promise<AgentInfo> => {
  const child = await spawnAgent(config, configFile)
  const end = Date.now() + startLimitMs
  while (Date.now() < end) {
    const info = await readInfo(config.data)
    if (info && info.pid === child.pid) {
      child.unref()
      return info
    }
    if (child.exitCode !== null || child.signalCode !== null) break
    await pause(20)
  }
  if (child.exitCode === null) child.kill('SIGKILL')
  throw new BartizanError('BTZ_AGENT_START', `the agent did not start: ${await lastWords(config.data)}`, {
    hint: `its log is ${join(config.data, 'agent', 'agent.log')}`,
  })
}

const adoptOrStart = async (config: Config, configFile: string | undefined, log: Logger): Promise<AgentInfo> => {
  if (await agentRuns(config.data)) {
    const info = await readInfo(config.data)
    if (info) {
      log.info({ pid: info.pid }, 'adopted the agent that was running')
      return info
    }
  }
  return started(config, configFile)
}

/**
 * Adopts or starts the agent and keeps one running: restarted with a growing pause when it ends.
 * @throws BTZ_AGENT_START
 */
export const superviseAgent = async (options: {
  config: Config
  configFile: string | undefined
  log: Logger
  onRestart(info: AgentInfo): Promise<void>
}): Promise<AgentProcess> => {
  const { config, configFile, log, onRestart } = options
  let info = await adoptOrStart(config, configFile, log)
  let stopping = false
  let failures = 0

  const restart = async () => {
    log.error({ pid: info.pid }, 'the agent has ended; starting it again')
    info = await adoptOrStart(config, configFile, log)
    await onRestart(info)
  }
  const watch = async () => {
    while (!stopping) {
      await pause(250)
      if (stopping || isAlive(info.pid)) continue
      try {
        await restart()
        failures = 0
      } catch (error) {
        failures += 1
        log.error({ err: error }, 'the agent does not start')
        await pause(Math.min(30_000, 1000 * 2 ** failures))
      }
    }
  }
  const watching = watch()

  return {
    info: () => info,
    stop: async (limitMs) => {
      stopping = true
      await watching
      if (isAlive(info.pid)) process.kill(info.pid, 'SIGTERM')
      const end = Date.now() + limitMs
      while (isAlive(info.pid) && Date.now() < end) await pause(20)
      if (!isAlive(info.pid)) return
      log.error({ pid: info.pid }, `the agent did not drain within ${limitMs} ms; killed. Its spool is kept`)
      process.kill(info.pid, 'SIGKILL')
    },
  }
}

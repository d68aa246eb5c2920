import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startOpensshHook } from '#hooks/openssh/openssh-hook.ts'
import { startPostureInbox } from '#hooks/posture/inbox.ts'
import { type ScriptHook, startScriptHook } from '#hooks/script/script-hook.ts'
import { passedSocket, type SudoHook, startSudoHook } from '#hooks/sudo/sudo-hook.ts'
import { type Identity, loadIdentity } from '#services/access/identity.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Config } from '#services/config.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import type { Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import { version } from '#services/version.ts'
import { type Core, startCore } from './core.ts'
import type { Health } from './health.ts'
import { sendLeftBehind } from './left-behind.ts'
import { type Links, startLinks } from './links.ts'
import { startLogHooks } from './log-hooks.ts'
import { takePlace } from './place.ts'
import type { AgentRecorder } from './recorder.ts'
import { waitingSinceMs } from './spool-age.ts'

export type RunningAgent = {
  readonly sudoPort: number
  readonly identity: Identity
  readonly core: Core
  readonly links: Links
  /** Takes no new session, gives the open ones their time, ends them, hands over the spool as far as it can. */
  stop(): Promise<void>
}

export type AgentOptions = {
  config: Config
  log: Logger
  /** Closed with the agent. Null: what is recorded goes through the receiver. */
  bus: Pick<Bus, 'produce' | 'close'> | null
  /** How the process ends: 0 after a drain, 1 when nothing can be made durable any more. */
  exit?: (code: number) => void
}

const lastUploadMs = 2_000
const lastWriteMs = 2_000
const lastEndsMs = 4_000
const farewellMs = 500 // for the texts to reach the users before the process is gone
const everyMs = 20
const fullText = 'Bartizan: this host has no room left for recordings; your session ends because it cannot be recorded'
const fatalText = 'Bartizan: recordings cannot be stored on this host; your session ends'
const drainRefusal = 'the recording service of this host stops just now; please try again in a minute'
const drainText = 'Bartizan: the recording service of this host stops; your session ends'

const signals = ['SIGTERM', 'SIGINT'] as const

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const ended = async (recorder: AgentRecorder, limitMs: number, hurry: AbortSignal): Promise<void> => {
  const end = performance.now() + limitMs
  while (recorder.liveCount > 0 && performance.now() < end && !hurry.aborted) await pause(everyMs)
}

/** On a full disk the end of a session may wait for ever: a drain does not. */
const within = (limitMs: number, ending: Promise<unknown>): Promise<unknown> => Promise.race([ending, pause(limitMs)])

type Hooks = { sudo: SudoHook; script: ScriptHook }

const takeNoMore = ({ recorder }: Core, hooks: Hooks): void => {
  recorder.refuse(drainRefusal)
  hooks.sudo.stopAccepting()
  hooks.script.stopAccepting()
}

const drain = async (
  config: Config,
  { recorder }: Core,
  hooks: Hooks,
  health: Health,
  hurry: AbortSignal,
): Promise<void> => {
  await ended(recorder, config.agent.drainMs, hurry)
  recorder.abortAll(drainText)
  const ends = [hooks.sudo.close(drainText), hooks.script.close(drainText), recorder.endSuspended()]
  await within(lastEndsMs, Promise.all(ends))
  await within(lastWriteMs, health.stopped())
}

const watchSpool = ({ config, log, exit = process.exit }: AgentOptions, core: Core, links: Links): void => {
  const { spool, recorder } = core
  spool.onLevel((level) => {
    links.health.level(level)
    if (level !== 'full') recorder.roomAgain()
    else if (config.agent.spool.onFull === 'abort') recorder.abortAll(fullText)
  })
  spool.onFatal(() => {
    recorder.refuse(fatalText)
    recorder.abortAll(fatalText)
    log.fatal('nothing can be made durable any more; the agent ends and has to be started again')
    setTimeout(() => exit(1), farewellMs)
  })
  if (spool.damages.length > 0) links.health.damage(spool.damages)
}

const publish = async (config: Config, log: Logger, sudoPort: number, scriptPort: number): Promise<string> => {
  const file = join(config.data, 'agent', 'agent.json')
  const info = { pid: process.pid, startedAt: new Date().toISOString(), sudoPort, scriptPort, version }
  await writeFileDurably(file, JSON.stringify(info))
  log.info({ sudoPort, scriptPort, version }, 'agent ready')
  return file
}

/**
 * Starts hooks, spool and uplink; SIGTERM and SIGINT drain and end the process.
 * @throws BTZ_DATA_LOCKED BTZ_DATA_UNWRITABLE BTZ_DISK_FULL BTZ_KEY_INVALID BTZ_PORT_IN_USE
 */
export const startAgent = async (options: AgentOptions): Promise<RunningAgent> => {
  const { config, log, bus, exit = process.exit } = options
  const folder = join(config.data, 'agent')
  await makeFolder(folder)
  const listenFd = passedSocket(process.env, process.pid)
  const isPortHeld = listenFd !== undefined // by systemd: another agent may take over while this one drains
  const place = await takePlace(folder, isPortHeld)
  // What was opened is closed in the reverse order, also when a later step fails.
  const closers: (() => Promise<unknown>)[] = [() => place.lock.release()]
  if (bus !== null) closers.push(() => within(lastWriteMs, bus.close()))
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each()
  }
  try {
    const identity = await loadIdentity(folder, log)
    const core = await startCore(config, log, identity, place.folder)
    closers.push(() => core.spool.close(lastWriteMs))
    const waitingMs = await waitingSinceMs(join(place.folder, 'spool'), core.spool)
    const links = startLinks(config, log, identity, core, bus, waitingMs)
    const recorderFor = (name: string) => links.hooks.recorderFor(name, core.recorder)
    closers.push(() => links.close(lastUploadMs))
    watchSpool(options, core, links)
    const hook = await startSudoHook({ config, recorder: recorderFor('sudo'), log, listenFd })
    const script = await startScriptHook({ config, recorder: recorderFor('script'), log })
    closers.push(() => script.close(drainText))
    const hasRoom = () => core.spool.level === 'ok' || core.spool.level === 'warning'
    const openssh = await startOpensshHook({
      config: config.openssh,
      folder: join(folder, 'openssh'),
      recorder: recorderFor('openssh'),
      hasRoom,
      log,
    })
    closers.push(openssh.close)
    const posture = startPostureInbox({ data: config.data, recorder: core.recorder, hasRoom, log })
    closers.push(posture.close)
    links.hooks.add('sudo', hook.probe)
    links.hooks.add('script', script.probe)
    if (openssh.sources > 0) links.hooks.add('openssh', openssh.probe)
    const { hooks } = links
    const { sightings } = core.recorder
    const logHooks = await startLogHooks({ config, folder, recorderFor, hooks, sightings, hasRoom, log })
    closers.push(logHooks.close)
    const left = isPortHeld ? sendLeftBehind({ config, folder, own: place, identity, links, log }) : null
    if (left) closers.push(left.close)
    const infoFile = await publish(config, log, hook.port, script.port)
    links.health.started()

    const hurry = new AbortController()
    const stop = async (): Promise<void> => {
      links.hooks.stop()
      await logHooks.close()
      if (left) await Promise.all([left.close(), openssh.close(), posture.close()]) // the next agent goes on there
      takeNoMore(core, { sudo: hook, script })
      if (isPortHeld) await rm(infoFile, { force: true })
      await drain(config, core, { sudo: hook, script }, links.health, hurry.signal)
      if (!isPortHeld) await rm(infoFile, { force: true })
      await close()
      log.info('agent stopped')
    }
    const stopOnce = onSignals(stop, hurry, log, exit)
    return { sudoPort: hook.port, identity, core, links, stop: stopOnce }
  } catch (error) {
    await close()
    throw error
  }
}

/** The same stop for signals and callers, once. A second signal ends the sessions that are still open. */
const onSignals = (
  stop: () => Promise<void>,
  hurry: AbortController,
  log: Logger,
  exit: (code: number) => void,
): (() => Promise<void>) => {
  let stopping: Promise<void> | null = null
  const stopOnce = (): Promise<void> => {
    stopping ??= stop().finally(() => {
      for (const signal of signals) process.off(signal, onSignal)
    })
    return stopping
  }
  const onSignal = async (): Promise<void> => {
    if (stopping) return hurry.abort()
    try {
      await stopOnce()
      exit(0)
    } catch (error) {
      log.fatal({ err: error }, 'agent: the drain failed')
      exit(1)
    }
  }
  for (const signal of signals) process.on(signal, onSignal)
  return stopOnce
}

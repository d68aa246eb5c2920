import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { passedSockets } from '#hooks/passed-sockets.ts'
import { type ScriptHook, startScriptHook } from '#hooks/script/script-hook.ts'
import { type SudoHook, startSudoHook } from '#hooks/sudo/sudo-hook.ts'
import { type Identity, loadIdentity } from '#services/access/identity.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Config } from '#services/config.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { BartizanError } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import { version } from '#services/version.ts'
import type { Alongside } from './alongside.ts'
import { type Core, startCore } from './core.ts'
import type { Health } from './health.ts'
import { sendLeftBehind } from './left-behind.ts'
import { type Links, startLinks } from './links.ts'
import { takePlace } from './place.ts'
import { waitingSinceMs } from './spool-age.ts'
import { endWhenIdle } from './standby.ts'
import { takeStopSignals } from './stop-signals.ts'
import { startWatchers } from './watchers.ts'

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
  /** Only takes sudo's sessions while the agent itself is away, and ends when it has had none for a while. */
  isStandby?: boolean
  /** Absent: this process is an agent alone. */
  alongside?: Alongside
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

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const ended = async (isOpen: () => boolean, limitMs: number, hurry: AbortSignal): Promise<void> => {
  const end = performance.now() + limitMs
  while (isOpen() && performance.now() < end && !hurry.aborted) await pause(everyMs)
}

/** On a full disk the end of a session may wait for ever: a drain does not. */
const within = (limitMs: number, ending: Promise<unknown>): Promise<unknown> => Promise.race([ending, pause(limitMs)])

type Hooks = { sudo: SudoHook; script: ScriptHook | null }

/** Where the next agent takes the port, whoever was let in before may still open a session here. */
const takeNoMore = ({ recorder }: Core, hooks: Hooks, isPortHeld: boolean): void => {
  if (!isPortHeld) recorder.refuse(drainRefusal)
  hooks.sudo.stopAccepting()
  hooks.script?.stopAccepting()
}

const drain = async (
  config: Config,
  { recorder }: Core,
  hooks: Hooks,
  health: Health,
  isPortHeld: boolean,
  hurry: AbortSignal,
): Promise<void> => {
  const isOpen = () => recorder.liveCount > 0 || (isPortHeld && hooks.sudo.openConnections > 0)
  await ended(isOpen, config.agent.drainMs, hurry)
  recorder.refuse(drainRefusal)
  recorder.abortAll(drainText)
  const ends = [hooks.sudo.close(drainText), hooks.script?.close(drainText), recorder.endSuspended()]
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
  const { config, log, bus, exit = process.exit, isStandby = false } = options
  const folder = join(config.data, 'agent')
  await makeFolder(folder)
  const sockets = passedSockets(process.env, process.pid)
  const isPortHeld = sockets.sudo !== undefined // by systemd: another agent may take over while this one drains
  if (isStandby && !isPortHeld) {
    throw new BartizanError('BTZ_REQUEST_INVALID', 'a standby agent has no port of its own', {
      hint: 'systemd starts it when its port is called (bartizan-agent-standby.socket)',
    })
  }
  const place = await takePlace(folder, isPortHeld)
  // What was opened is closed in the reverse order, also when a later step fails.
  const closers: (() => Promise<unknown>)[] = [() => place.lock.release()]
  if (bus !== null) closers.push(() => within(lastWriteMs, bus.close()))
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each()
  }
  const told = takeStopSignals(log, exit)
  try {
    const identity = await loadIdentity(folder, log)
    const core = await startCore(config, log, identity, place.folder)
    closers.push(() => core.spool.close(lastWriteMs))
    const waitingMs = await waitingSinceMs(join(place.folder, 'spool'), core.spool)
    const links = startLinks(config, log, identity, core, bus, waitingMs, options.alongside)
    const recorderFor = (name: string) => links.hooks.recorderFor(name, core.recorder)
    closers.push(() => links.close(lastUploadMs))
    watchSpool(options, core, links)
    const hook = await startSudoHook({ config, recorder: recorderFor('sudo'), log, listenFd: sockets.sudo })
    links.hooks.add('sudo', hook.probe)
    const script = isStandby
      ? null
      : await startScriptHook({ config, recorder: recorderFor('script'), log, listenFd: sockets.record })
    if (script) {
      closers.push(() => script.close(drainText))
      links.hooks.add('script', script.probe)
    }
    const hasRoom = () => core.spool.level === 'ok' || core.spool.level === 'warning'
    const watchers = isStandby ? null : await startWatchers({ config, folder, core, links, hasRoom, log })
    if (watchers) closers.push(watchers.close)
    const left = isPortHeld && !isStandby ? sendLeftBehind({ config, folder, own: place, identity, links, log }) : null
    if (left) closers.push(left.close)
    // Who is to stop already does not say that it is there: the next one may have said so meanwhile.
    const infoFile = script && !told.isTold ? await publish(config, log, hook.port, script.port) : null
    links.health.started()

    const hurry = new AbortController()
    const stop = async (): Promise<void> => {
      links.hooks.stop()
      await watchers?.closeLogs()
      if (left) await Promise.all([left.close(), watchers?.close()]) // the next agent goes on there
      takeNoMore(core, { sudo: hook, script }, isPortHeld)
      if (infoFile && isPortHeld) await rm(infoFile, { force: true })
      await drain(config, core, { sudo: hook, script }, links.health, isPortHeld, hurry.signal)
      if (infoFile && !isPortHeld) await rm(infoFile, { force: true })
      await close()
      log.info('agent stopped')
    }
    const stopOnce = told.stopBy(stop, hurry)
    if (isStandby)
      endWhenIdle(
        () => hook.openConnections + core.recorder.liveCount === 0,
        () => stopOnce().then(() => exit(0)),
      )
    return { sudoPort: hook.port, identity, core, links, stop: stopOnce }
  } catch (error) {
    told.ignore()
    await close()
    throw error
  }
}

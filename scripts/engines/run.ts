import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { hasCode } from '#services/errors.ts'
import { acquireLock } from '#services/lock/sqlite-lock.ts'
import { cacheFolder, type Say } from './cache.ts'
import { composeDown, composeUp, dockerAnswers } from './docker.ts'
import { type EngineName, engineNames, engines, startEngines } from './engines.ts'
import { isRunning, type ProcessIdentity, stopProcess } from './process-identity.ts'
import { type RunState, readState, servicesFile, stateFile, writeServices, writeState } from './run-state.ts'

export const defaultFolder = (): string => join(dirname(cacheFolder()), 'run')

/** One `up` or `down` of a folder at a time. */
const alone = async <T>(folder: string, body: () => Promise<T>): Promise<T> => {
  const lock = await acquireLock(join(folder, 'lock.db'), { pid: process.pid, what: 'scripts/services' }).catch(
    (error) => {
      if (!hasCode(error, 'BTZ_DATA_LOCKED')) throw error
      throw new Error(`${(error as Error).message}: wait until that has ended`)
    },
  )
  try {
    return await body()
  } finally {
    await lock.release()
  }
}

const identities = (state: RunState, engine: EngineName): ProcessIdentity[] =>
  state.processes.filter((entry) => entry.engine === engine).map(({ engine: _, ...identity }) => identity)

/** Ready when `up` ended, and none of its processes has ended since. */
export const runs = async (state: RunState, engine: EngineName): Promise<boolean> => {
  if (!state.services[engine]) return false
  return (await Promise.all(identities(state, engine).map(isRunning))).every(Boolean)
}

/** What is left of engines goes: processes, data, and from the state. */
const removeEngines = async (folder: string, state: RunState, names: readonly EngineName[]): Promise<void> => {
  await Promise.all(names.flatMap((name) => identities(state, name)).map((identity) => stopProcess(identity)))
  for (const name of names) {
    await rm(join(folder, engines[name].folder), { recursive: true, force: true })
    delete state.services[name]
  }
  state.processes = state.processes.filter(({ engine }) => !names.includes(engine))
  writeState(folder, state)
}

const freshState = (folder: string): RunState => {
  const foreign = engineNames.map((name) => join(folder, engines[name].folder)).find((path) => existsSync(path))
  if (foreign) throw new Error(`${foreign} was not made by \`scripts/services up\`: use another folder, or remove it`)
  return { processes: [], services: {} }
}

export type UpOptions = {
  folder: string
  only: readonly EngineName[]
  docker: boolean
  say: Say
  /** Hears of each process that is started. */
  onStart(identity: ProcessIdentity): void
}

const withProcesses = async (
  { say, onStart }: UpOptions,
  folder: string,
  state: RunState,
  names: EngineName[],
): Promise<RunState['services']> => {
  await removeEngines(folder, state, names)
  const keep = (engine: EngineName) => async (identity: ProcessIdentity) => {
    onStart(identity)
    state.processes.push({ engine, ...identity })
    writeState(folder, state)
  }
  return (await startEngines(names, { folder, say, keep })).services
}

const bringUp = async (options: UpOptions, folder: string): Promise<RunState['services']> => {
  const { only, docker, say } = options
  const state = readState(folder) ?? freshState(folder)
  const running = await Promise.all(only.map((name) => runs(state, name)))
  const names = only.filter((_, at) => !running[at])
  if (names.length === 0) {
    say(`already up: ${only.join(', ')}`)
    return state.services
  }
  const compose =
    state.dockerProject !== undefined || (docker && state.processes.length === 0 && (await dockerAnswers()))
  const services = compose
    ? await composeUp(folder, state, names, say)
    : await withProcesses(options, folder, state, names)
  Object.assign(state.services, services)
  writeState(folder, state)
  writeServices(folder, state.services)
  return state.services
}

/** Starts what does not run yet. @returns all that runs in the folder. @throws with the reasons; then nothing of it is left running */
export const up = async (options: UpOptions): Promise<RunState['services']> => {
  const folder = resolve(options.folder)
  await mkdir(folder, { recursive: true })
  return alone(folder, () => bringUp(options, folder))
}

/** Stops what `up` started in this folder, nothing else, and removes its data. @returns false: there was nothing */
export const down = async (path: string): Promise<boolean> => {
  const folder = resolve(path)
  if (!existsSync(stateFile(folder))) return false
  return alone(folder, async () => {
    const state = readState(folder)
    if (state === null) return false
    if (state.dockerProject) await composeDown(state.dockerProject)
    await removeEngines(folder, state, engineNames)
    for (const file of [servicesFile(folder), stateFile(folder)]) await rm(file, { force: true })
    return true
  })
}

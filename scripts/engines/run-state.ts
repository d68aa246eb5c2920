import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Services } from '#test/helpers/cluster.ts'
import { engineNames } from './engines.ts'

const Process = z.strictObject({
  engine: z.enum(engineNames),
  pid: z.int().min(2),
  startTicks: z.string(),
  bootId: z.string(),
})

/** What `up` started in a folder and `down` has to stop. `services`: only engines that got ready. */
export const RunState = z.strictObject({
  processes: z.array(Process),
  services: Services.partial(),
  /** Project name of Docker Compose, where that runs them. */
  dockerProject: z.string().optional(),
})
export type RunState = z.infer<typeof RunState>

export const stateFile = (folder: string): string => join(folder, 'state.json')
export const servicesFile = (folder: string): string => join(folder, 'services.json')

/** @returns null: nothing was started in this folder */
export const readState = (folder: string): RunState | null => {
  try {
    return RunState.parse(JSON.parse(readFileSync(stateFile(folder), 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new Error(`${stateFile(folder)} is not what \`scripts/services up\` wrote: ${(error as Error).message}`)
  }
}

/** Not readable by others: the store's secret is in it. */
const write = (file: string, value: unknown): void => {
  writeFileSync(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export const writeState = (folder: string, state: RunState): void => write(stateFile(folder), state)
export const writeServices = (folder: string, services: RunState['services']): void =>
  write(servicesFile(folder), services)

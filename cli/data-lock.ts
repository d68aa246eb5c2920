import { join } from 'node:path'
import type { Config } from '#services/config.ts'
import { acquireLock, type Lock } from '#services/lock/sqlite-lock.ts'

/** Nothing else uses the data folder until it is released. @throws BTZ_DATA_LOCKED */
export const lockData = ({ data }: Pick<Config, 'data'>, command: string): Promise<Lock> =>
  acquireLock(join(data, 'lock.db'), { pid: process.pid, what: `bartizan ${command}` })

/** Embedded: as lockData. On a cluster nobody has it alone: null. */
export const lockWhereAlone = async (
  config: Pick<Config, 'backend' | 'data'>,
  command: string,
): Promise<Lock | null> => (config.backend === 'embedded' ? lockData(config, command) : null)

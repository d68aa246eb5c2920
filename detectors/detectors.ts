import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { Backends } from '#services/backends.ts'
import type { Clock } from '#services/clock.ts'
import type { Logger } from '#services/log.ts'
import type { DetectorSettings } from '#services/schema/detector-settings.ts'
import { loadDirectory } from './directory/load-directory.ts'
import type { FoldContext } from './engine/folded.ts'
import { noGeo } from './geo/geo.ts'
import { openGeo } from './geo/mmdb-geo.ts'
import { createPrograms } from './programs.ts'
import { createRunner, groups } from './runner/runner.ts'
import { scheduleTicks } from './schedule/ticks.ts'

const drainMs = 5_000

export type DetectorsOptions = Pick<Backends, 'bus' | 'state' | 'origins'> & {
  config: DetectorSettings
  clock: Clock
  registry: Registry
  log: Logger
}
export type Detectors = {
  /** No more ticks; what the bus has is worked off and stored, within a limit. */
  drain(): Promise<void>
  close(): Promise<void>
}

/** Bus → alerts. @throws BTZ_DIRECTORY_INVALID BTZ_GEO_INVALID */
export const createDetectors = async ({ config, ...options }: DetectorsOptions): Promise<Detectors> => {
  const { bus, clock, log } = options
  const directory = loadDirectory({ file: config.directoryFile, log, clock })
  const geo = config.geoFile === undefined ? noGeo : await openGeo(config.geoFile)
  const context = (): FoldContext => ({ directory: directory.current(), geo, settings: config })
  const runner = await createRunner({ ...options, context, settings: config, programs: createPrograms() })
  const ticks = scheduleTicks({ runner, clock, log })
  const ours: readonly string[] = Object.values(groups)
  const isDone = async (): Promise<boolean> =>
    (await bus.lag()).every(({ group, committed, end }) => !ours.includes(group) || committed >= end)
  return {
    drain: async () => {
      await ticks.stop()
      const endMs = Date.now() + drainMs
      do await runner.drain()
      while (!(await isDone()) && Date.now() < endMs && (await sleep(50, true)))
    },
    close: async () => {
      await ticks.stop()
      await runner.close()
      directory.close()
    },
  }
}

import { createDetectors } from '#detectors/detectors.ts'
import type { Backends } from '#services/backends.ts'
import type { DrainedStage, StageOptions } from './stage.ts'

/** Bus → alerts. */
export const detectorsStage = async (
  options: StageOptions<Pick<Backends, 'bus' | 'origins' | 'state'>>,
): Promise<DrainedStage> => {
  const { config, backends, log } = options
  return createDetectors({
    ...options,
    ...backends,
    config: config.detectors,
    log: log.child({ stage: 'detectors' }),
  })
}

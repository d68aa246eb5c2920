import { Registry } from 'prom-client'
import type { ScreenOptions } from '#ingest/indexer/screen/context.ts'
import { createScreenIndexer } from '#ingest/indexer/screen/screen-indexer.ts'
import { systemClock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { until } from '#test/helpers/until.ts'

export const noneErased = { ids: async () => new Set<string>() }

export const startScreens = async (
  options: Pick<ScreenOptions, 'bus' | 'views'> & Partial<ScreenOptions>,
): Promise<{ registry: Registry; close(): Promise<void> }> => {
  const registry = new Registry()
  const log = createLogger('screen', 'silent')
  const config = { reorderBatches: 64, reorderMs: 300 }
  const common = { origins: null, config, erased: noneErased, clock: systemClock, log, registry }
  const screens = await createScreenIndexer({ ...common, ...options })
  return { registry, close: screens.close }
}

/** Until the group has committed all there is. */
export const screensCaughtUp = (bus: ScreenOptions['bus'], limitMs = 120_000): Promise<void> =>
  until(
    async () => {
      const lags = (await bus.lag()).filter(({ group }) => group === 'screen')
      return lags.length > 0 && lags.every(({ committed, end }) => committed === end)
    },
    { limitMs, what: 'the screens to be caught up' },
  )

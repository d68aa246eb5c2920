import { type HealthContext, healthRoutes } from '#viewer/routes/health.ts'
import type { RoutedStage, StageOptions } from './stage.ts'

export const healthOf = ({ access, clock, ready, registry }: StageOptions<unknown>): HealthContext => ({
  ...access,
  clock,
  ready,
  metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
})

/** Health and metrics of a process without a console. */
export const healthStage = (options: StageOptions<unknown>): RoutedStage => ({
  router: healthRoutes(healthOf(options)),
  close: async () => {},
})

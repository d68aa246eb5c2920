import type { Router } from 'express'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import type { Access } from '../access.ts'

/** What every stage of a process gets. */
export type StageOptions<B> = {
  config: Config
  backends: B
  access: Access
  clock: Clock
  log: Logger
  registry: Registry
  ready: () => boolean
}
export type Closing = { close(): Promise<void> }
export type RoutedStage = Closing & { router: Router }
/** `drain`: stores now what is open, so that what was recorded and found stands before the end. */
export type DrainedStage = Closing & { drain(): Promise<void> }

export const createRegistry = (): Registry => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

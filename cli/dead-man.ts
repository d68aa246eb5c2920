import type { Registry } from 'prom-client'
import { createOperations } from '#delivery/operations.ts'
import { groupOf } from '#delivery/requests.ts'
import type { Backends } from '#services/backends.ts'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { type DeadMan, startDeadMan } from '#services/dead-man.ts'
import type { ServedSink } from '#services/dead-man-proof.ts'
import type { Logger } from '#services/log.ts'

/** Beside ingest, which alone has all back ends in every arrangement. Null: not configured. */
export const startDeadManOf = (options: {
  config: Config
  backends: Backends
  clock: Clock
  log: Logger
  registry: Registry
}): DeadMan | null => {
  const { config, backends, log } = options
  const operations = createOperations({ state: backends.state, sinks: config.sinks })
  const sinks = async (): Promise<ServedSink[]> =>
    (await operations.list()).map(({ name, status }) => ({
      name,
      group: groupOf(name),
      saidAtMs: status && Date.parse(status.at),
      isDisabled: status?.state === 'disabled',
    }))
  return startDeadMan({
    ...options,
    ...backends,
    sinks,
    config: config.deadMan,
    bastion: config.bastion,
    blockMs: config.ingest.blockMaxMs,
    log: log.child({ stage: 'dead-man' }),
  })
}

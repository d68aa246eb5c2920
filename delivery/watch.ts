import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Logger } from '#services/log.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { behindEvent } from './health-event.ts'
import type { DeliveryMetrics } from './metrics.ts'
import { groupOf, statusKey } from './requests.ts'
import type { SinkStatus, StatusKeeper } from './status.ts'

export type Watched = { name: string; keeper: StatusKeeper }
export type WatchOptions = {
  watched: readonly Watched[]
  bus: Pick<Bus, 'lag' | 'produce'>
  state: StateStore
  bastion: string
  clock: Clock
  log: Logger
  metrics: DeliveryMetrics
}

/** Not twice at once. Looks how each destination is: metrics, its status in the state store, an event when it is behind for long. */
export const createWatch = ({ watched, bus, state, bastion, clock, log, metrics }: WatchOptions) => {
  const toldHours = new Map<string, number>()

  const tellBehind = async (name: string, status: SinkStatus): Promise<void> => {
    const record = behindEvent(name, status, bastion, clock.now())
    const hour = Math.floor(clock.now() / 3_600_000)
    if (record === null || toldHours.get(name) === hour) return
    await bus.produce([record])
    toldHours.set(name, hour)
    log.error({ sink: name, ...status }, 'a destination is behind')
  }
  const lookAt = async ({ name, keeper }: Watched, records: Map<string, number>): Promise<void> => {
    if (!keeper.isServing()) return // another process says it
    const status = keeper.read(records.get(groupOf(name)) ?? 0)
    metrics.lagRecords.set({ sink: name }, status.lagRecords)
    metrics.lagSeconds.set({ sink: name }, status.lagSeconds)
    await state.put(statusKey(name), status)
    await tellBehind(name, status)
  }
  return async (): Promise<void> => {
    const records = new Map<string, number>()
    for (const { group, committed, end } of await bus.lag())
      records.set(group, (records.get(group) ?? 0) + Math.max(0, end - committed))
    for (const one of watched) await lookAt(one, records)
  }
}

import { randomUUID } from 'node:crypto'
import type { Registry } from 'prom-client'
import { createSuppressions, suppressionOf } from '#services/alerts/suppressions.ts'
import type { Bus, Topic } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { createErasedSessions } from '#services/erasure/erased-sessions.ts'
import type { Logger } from '#services/log.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import { startSchedule } from '#services/schedule.ts'
import type { Alert } from '#services/schema/alert.ts'
import { isNotifying, type SinkSettings } from '#services/schema/sink-settings.ts'
import { openSink } from '#services/sinks/open-sink.ts'
import { SinkUnavailable } from '#services/sinks/sink.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { version } from '#services/version.ts'
import { type Ending, type FlowOptions, runFlow } from './flow.ts'
import { createItemOutlet } from './item-outlet.ts'
import { holdLease } from './lease.ts'
import { createMarks } from './marks.ts'
import { createDeliveryMetrics } from './metrics.ts'
import { createNoticeOutlet } from './notice-outlet.ts'
import { type Pause, pause as realPause } from './pause.ts'
import { createPutAside } from './put-aside.ts'
import { groupOf } from './requests.ts'
import { retireGroups } from './retire.ts'
import { createRunner, type Runner } from './runner.ts'
import { createReadItem } from './select.ts'
import { createStatusKeeper } from './status.ts'
import { createWatch } from './watch.ts'

const leaseMs = 30_000
const noticeLimits = { items: 200, bytes: 1024 * 1024, waitMs: 20 }

export type DeliveryOptions = {
  bus: Bus
  origins: OriginCheck | null
  state: StateStore
  config: Pick<Config, 'sinks' | 'bastion' | 'backend' | 'kafka'>
  publicUrl(): string
  clock: Clock
  registry: Registry
  log: Logger
  pause?: Pause
}
/** `look`: at the state of all destinations, now. */
export type Delivery = { look(): Promise<void>; close(): Promise<void> }

const topicsOf = ({ send }: SinkSettings): Topic[] => {
  const topics: Topic[] = 'events' in send && send.events !== undefined ? ['session-events'] : []
  return send.alerts === undefined ? topics : [...topics, 'alerts']
}

/**
 * Events and alerts → destinations, each as a consumer group of its own that waits for nobody else.
 * @throws BTZ_CONFIG_INVALID for a destination whose files cannot be used
 */
export const createDelivery = async (options: DeliveryOptions): Promise<Delivery> => {
  const { bus, origins, state, config, clock, registry, publicUrl, pause = realPause } = options
  const metrics = createDeliveryMetrics(registry)
  const holder = randomUUID()
  const about = () => ({ host: config.bastion, version, consoleUrl: publicUrl() })
  const keepers = config.sinks.map(({ name }) => ({ name, keeper: createStatusKeeper(clock) }))
  const suppressions = createSuppressions({ state, clock })
  const erased = createErasedSessions({ state, clock })
  const isSuppressed = async (alert: Alert, nowMs: number): Promise<boolean> =>
    suppressionOf(alert, await suppressions.inForce(), nowMs) !== null
  const health = async () =>
    keepers.map(({ name, keeper }) => {
      const { state: sinkState, lagSeconds } = keeper.read(0)
      return { name, state: sinkState, lagSeconds }
    })

  const watch = createWatch({ ...options, watched: keepers, bastion: config.bastion, metrics })
  let looked: Promise<void> = Promise.resolve()
  const look = (): Promise<void> => {
    looked = looked
      .then(watch)
      .catch((err: unknown) => options.log.warn({ err }, 'the state of the destinations could not be read'))
    return looked
  }

  const serverOf = async (
    settings: SinkSettings,
  ): Promise<{ serve(ending: Ending): Promise<void>; close(): Promise<void> }> => {
    const { name, send } = settings
    const log = options.log.child({ sink: name })
    const { keeper } = keepers.find((one) => one.name === name)!
    const opened = await openSink(settings, { about, kafka: config.kafka, clock, log })
    const putAside = createPutAside({
      bus,
      where: groupOf(name),
      log,
      counted: () => metrics.deadLetters.inc({ sink: name }),
    })
    const readItem = createReadItem({ origins, erased, putAside, unproven: () => metrics.unproven.inc({ sink: name }) })
    const told: FlowOptions<unknown>['told'] = {
      oldest: keeper.oldest,
      failed: (err, failures) => {
        keeper.failed(err, failures)
        metrics.failures.inc({ sink: name })
        const why = err instanceof SinkUnavailable ? { reason: err.message } : { err }
        log.warn({ ...why, failures }, 'the destination did not take it; tried again')
        if (failures === 1) void look() // operators see at once that it began, and that it is over
      },
      taken: (lastSeq, count) => {
        const wasWell = keeper.isWell()
        keeper.taken(lastSeq)
        if (!wasWell) void look()
        metrics.taken.inc({ sink: name }, count)
      },
    }
    const limits = 'batch' in settings && !isNotifying(settings) ? settings.batch : noticeLimits
    const shared = { name, topics: topicsOf(settings), limits, bus, state, clock, pause, log, told }
    if (opened.takes === 'items') {
      const { sink } = opened
      const outlet = createItemOutlet({ bus, readItem, sink, send, bastion: config.bastion, putAside, clock, log })
      return { serve: (ending) => runFlow({ ...shared, outlet }, ending), close: outlet.close }
    }
    if (!('notify' in settings)) throw new TypeError(`${settings.type} does not notify`)
    const { notify } = settings
    const marks = createMarks(state, `sinks/${name}/marks/`)
    const minSeverity = send.alerts ?? 'low'
    const { notifier } = opened
    const outlet = createNoticeOutlet({
      notifier,
      readItem,
      minSeverity,
      notify,
      marks,
      isSuppressed,
      health,
      putAside,
      clock,
    })
    return { serve: (ending) => runFlow({ ...shared, outlet }, ending), close: outlet.close }
  }

  const servers = await Promise.all(config.sinks.map(serverOf))
  const runners: Runner[] = servers.map(({ serve }, at) => {
    const { name } = config.sinks[at]!
    const lease = { state, key: `sinks/${name}/lease`, holder, ttlMs: leaseMs, clock, pause }
    return createRunner({
      serve,
      hold: config.backend === 'cluster' ? (signal) => holdLease(lease, signal) : null,
      serving: keepers[at]!.keeper.serving,
      pause,
      log: options.log.child({ sink: name }),
    })
  })
  const serving = new Set(
    config.sinks.flatMap((sink) => topicsOf(sink).map((topic) => `${groupOf(sink.name)} ${topic}`)),
  )
  // On a cluster other processes may have another configuration, and the brokers delete by age alone.
  const retired = config.backend === 'embedded' ? await retireGroups({ bus, serving, log: options.log }) : null
  void look()
  const looking = startSchedule('*/10 * * * * *', options.log, look)
  /** What a destination says at the end, such as that messages may not have arrived, must not keep the rest from closing. */
  const closeServer = (server: (typeof servers)[number], at: number): Promise<void> =>
    server
      .close()
      .catch((err: unknown) => options.log.error({ err, sink: config.sinks[at]!.name }, 'a destination at the end'))
  return {
    look,
    close: async () => {
      await looking.stop()
      await retired?.close()
      await Promise.all(runners.map((runner) => runner.close()))
      await look()
      await Promise.all(servers.map(closeServer))
    },
  }
}

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createDelivery, type DeliveryOptions } from '#delivery/delivery.ts'
import type { Bus } from '#services/bus/bus.ts'
import { createLogBus } from '#services/bus/log-bus.ts'
import { type Clock, systemClock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import type { Alert } from '#services/schema/alert.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

export const log = pino({ level: process.env.TEST_LOG ?? 'silent' })

/** A clock that runs `factor` times as fast as the wall's, and its way to wait. */
export const fastClock = (factor: number): { clock: Clock; pause: NonNullable<DeliveryOptions['pause']> } => {
  const startMs = Date.now()
  return {
    clock: { now: () => Math.round(startMs + (Date.now() - startMs) * factor) },
    pause: (ms, signal) => sleep(ms / factor, undefined, { signal }).catch(() => {}),
  }
}

/** The real bus and state store on one folder. For this process or a child. */
export const openPlace = async (folder: string) => {
  mkdirSync(folder, { recursive: true })
  const bus = await createLogBus({
    folder: join(folder, 'bus'),
    partitions: 3,
    segmentBytes: 16 * 1024 * 1024,
    retentionMs: 86_400_000,
    maxRecordBytes: 8 * 1024 * 1024,
    clock: systemClock,
    log,
  })
  const state = await createSqliteStateStore({ file: join(folder, 'state.db') })
  const close = async () => {
    await bus.close()
    await state.close()
  }
  return { bus, state, close }
}

export const deliveryOf = (
  { bus, state }: { bus: Bus; state: StateStore },
  sinks: unknown[],
  more: Partial<DeliveryOptions> = {},
) => {
  const config = Config.parse({ bastion: 'b1', sinks })
  return createDelivery({
    bus,
    state,
    origins: null,
    config,
    publicUrl: () => 'https://console.example',
    clock: systemClock,
    registry: new Registry(),
    log,
    ...more,
  })
}

export const newPlace = async (t: ExecutionContext) => {
  const folder = await temporaryFolder(t)
  const place = await openPlace(join(folder, 'data'))
  t.teardown(place.close)
  return { ...place, folder }
}

/** Deliveries end before what they stand on. */
export const startDelivery = async (t: ExecutionContext, ...args: Parameters<typeof deliveryOf>) => {
  const delivery = await deliveryOf(...args)
  t.teardown(delivery.close)
  return delivery
}

const atMs = Date.UTC(2026, 0, 31, 12)

export const commandEvent = (number: number, more: Partial<SessionEvent> = {}): SessionEvent =>
  ({
    id: `event-${String(number).padStart(6, '0')}`,
    at: new Date(atMs + number * 1_000).toISOString(),
    kind: 'command',
    source: 'sudo',
    bastion: `b${number % 5}`,
    user: 'alice',
    sessionId: null,
    argv: ['ls', `${number}`],
    line: `ls ${number}`,
    via: 'exec',
    atMs: 0,
    ...more,
  }) as SessionEvent

export const produceEvents = (bus: Bus, events: SessionEvent[]) =>
  bus.produce(
    events.map((event) => ({
      topic: 'session-events',
      key: event.bastion,
      value: Buffer.from(JSON.stringify(event)),
    })),
  )

export const someAlert = (number: number, more: Partial<Alert> = {}): Alert => {
  const at = new Date().toISOString()
  return {
    id: number.toString(16).padStart(32, '0'),
    revision: 1,
    rule: 'auth-failures',
    severity: 'high',
    status: 'open',
    title: `Failed logins as alice (${number})`,
    at,
    entity: { kind: 'user', key: 'alice' },
    user: 'alice',
    sourceIp: '192.0.2.7',
    bastion: 'b1',
    check: null,
    sessionId: 's-1',
    sessionIds: ['s-1'],
    atMs: 61_500,
    gap: null,
    count: 1,
    firstEventAt: at,
    lastEventAt: at,
    explanation: 'Six failures in a minute.',
    baseline: null,
    withdrawn: false,
    triage: null,
    ...more,
  }
}

export const produceAlerts = (bus: Bus, alerts: Alert[]) =>
  bus.produce(alerts.map((alert) => ({ topic: 'alerts', key: alert.id, value: Buffer.from(JSON.stringify(alert)) })))

import { alertOf } from '#detectors/alert.ts'
import type { Directory } from '#detectors/directory/directory.ts'
import { createEntity, type Engine, type Entity } from '#detectors/engine/entity.ts'
import type { Program } from '#detectors/engine/folded.ts'
import { forwardedTo, observe, subjectsOf } from '#detectors/engine/observe.ts'
import { settle } from '#detectors/engine/settle.ts'
import { takeEvent, takeTick } from '#detectors/engine/take.ts'
import { noGeo } from '#detectors/geo/geo.ts'
import type { AnyRule, EntityKind, Observed, RuleContext, Subject } from '#detectors/rule.ts'
import type { Alert } from '#services/schema/alert.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { quietDirectory } from '#test/helpers/quiet-directory.ts'

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour
export const monday = Date.UTC(2026, 0, 5)

let made = 0
/** An event at `timeMs`; what is not said is of alice on b1. */
export const happened = (timeMs: number, kind: SessionEvent['kind'], fields: Record<string, unknown>): SessionEvent =>
  SessionEvent.parse({
    id: `event-${String(made++).padStart(8, '0')}`,
    at: new Date(timeMs).toISOString(),
    source: 'openssh',
    bastion: 'b1',
    user: 'alice',
    kind,
    ...fields,
  })

export type World = { directory?: Partial<Directory>; settings?: Record<string, unknown> }

/** Rules of each kind of entity over events in order of arrival, as the runner would have it. Gives what stands in the end. */
export const createDay = (rules: readonly AnyRule[], { directory = {}, settings = {} }: World = {}) => {
  const context = {
    directory: { ...quietDirectory, ...directory },
    geo: noGeo,
    settings: DetectorSettings.parse(settings),
  }
  const engineOf = (kind: EntityKind): Engine => {
    const own = rules.filter(({ entity }) => entity === kind)
    const program: Program = { rules: own, annotator: null }
    return { program, context, horizonMs: 10 * minute }
  }
  const engines = { user: engineOf('user'), network: engineOf('network'), bastion: engineOf('bastion') }
  const entities = new Map<string, Entity>()
  const last = new Map<string, Alert>()

  const entityOf = (subject: Subject): Entity => {
    const key = `${subject.kind}:${subject.key}`
    const entity = entities.get(key) ?? createEntity(subject, engines[subject.kind])
    entities.set(key, entity)
    return entity
  }
  const settleOne = (entity: Entity): void => {
    for (const { incident, withdrawn } of settle(entity, engines[entity.subject.kind]).changes) {
      const alert = alertOf(entity.subject, incident, withdrawn)
      last.set(alert.id, alert)
    }
  }
  const takeAt = (subject: Subject, observed: Observed): void => {
    const entity = entityOf(subject)
    takeEvent(entity, observed, engines[subject.kind])
    settleOne(entity)
  }
  return {
    entities,
    take: (...events: SessionEvent[]) => {
      for (const event of events) {
        const observed = observe(event)
        const subjects = subjectsOf(observed, context.directory)
        for (const subject of subjects) takeAt(subject, observed)
        if (!subjects.some(({ kind }) => kind === 'network')) continue
        for (const subject of forwardedTo(observed, context.directory)) takeAt(subject, observed)
      }
    },
    tick: (timeMs: number) => {
      for (const entity of entities.values()) {
        takeTick(entity, timeMs)
        settleOne(entity)
      }
    },
    all: (): Alert[] => [...last.values()],
    alerts: (): Alert[] => [...last.values()].filter(({ withdrawn, severity }) => !withdrawn && severity !== 'info'),
    infos: (): Alert[] => [...last.values()].filter(({ withdrawn, severity }) => !withdrawn && severity === 'info'),
  }
}

const context = (kind: EntityKind): RuleContext => ({
  directory: quietDirectory,
  geo: noGeo,
  settings: DetectorSettings.parse({}),
  subject: { kind, key: kind === 'user' ? 'alice' : 'b1' },
  facts: { firstAtMs: monday - 60 * day, loginCount: 100, loginDays: 30, lastLoginDay: 0 },
  isHistory: false,
})

/** The most that a rule remembers while it sees these events, one after the other, without an engine. */
export const mostStateBytes = (rule: AnyRule, events: Iterable<SessionEvent>): number => {
  const about = context(rule.entity)
  let state = rule.initial()
  let [most, count] = [0, 0]
  for (const event of events) {
    if (rule.kinds.includes(event.kind)) state = rule.apply(state, observe(event), about).state
    if (count++ % 500 === 0) most = Math.max(most, JSON.stringify(state).length)
  }
  return Math.max(most, JSON.stringify(state).length)
}

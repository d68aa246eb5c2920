import { isOver } from '../engine/compact.ts'
import type { Engine } from '../engine/entity.ts'
import { dueMsOf } from '../engine/folded.ts'
import type { Subject } from '../rule.ts'
import { isClean } from './apply.ts'
import type { RunnerContext } from './context.ts'
import { subjectOf } from './entity-record.ts'
import type { EntityStore } from './entity-store.ts'
import type { Held } from './held.ts'

const together = 16
/** At a time: events wait meanwhile. */
const maxRemoved = 16

/** Does it for all of them, so many at once; the first failure is thrown when all that were begun have ended. */
export const eachOf = async <T>(all: readonly T[], act: (one: T) => Promise<unknown>): Promise<void> => {
  for (let from = 0; from < all.length; from += together) {
    const done = await Promise.allSettled(all.slice(from, from + together).map(act))
    for (const one of done) if (one.status === 'rejected') throw one.reason
  }
}

/** The entities of one partition that are in memory, least recently used first, and what falls due in all of it. */
export const createHeldEntities = (
  { memory, settings, metrics }: Pick<RunnerContext, 'memory' | 'settings' | 'metrics'>,
  store: EntityStore,
  engineOf: (subject: Subject) => Engine,
) => {
  const held = new Map<string, Held>()
  const dues = new Map<string, number>()
  const marked = new Map<string, number>()

  const count = (by: number): void => {
    memory.entities += by
    metrics.entities.set(memory.entities)
  }
  const drop = (one: Held): void => {
    held.delete(one.name)
    count(-1)
  }
  const loadOne = async (name: string): Promise<void> => {
    const subject = subjectOf(name)
    if (subject === null) return
    const one = await store.load(name, subject)
    one.markedDueMs = marked.get(name) ?? null
    held.set(name, one)
    count(1)
  }
  return {
    all: (): Held[] => [...held.values()],
    has: (name: string): boolean => held.has(name),
    /** From the state store, as far as they are not here. */
    load: async (names: readonly string[]): Promise<Held[]> => {
      await eachOf(
        names.filter((name) => !held.has(name)),
        loadOne,
      )
      return names.flatMap((name) => {
        const one = held.get(name)
        if (!one) return []
        held.delete(name)
        held.set(name, one)
        return [one]
      })
    },
    noteMarked: (name: string, dueMs: number): void => {
      marked.set(name, dueMs)
      dues.set(name, dueMs)
    },
    noteDue: (one: Held): void => {
      const dueMs = dueMsOf(engineOf(one.entity.subject).program, one.entity.tip)
      if (dueMs === null) dues.delete(one.name)
      else dues.set(one.name, dueMs)
    },
    dueBy: (atMs: number): string[] => [...dues].filter(([, dueMs]) => dueMs <= atMs).map(([name]) => name),
    /** Forgets what is over, for good, and what was not used for long, until it is needed again. */
    unload: async (nowMs: number): Promise<void> => {
      let removed = 0
      for (const one of [...held.values()]) {
        if (!isClean(one)) continue
        const isGone = isOver(one.entity, engineOf(one.entity.subject), nowMs) && !dues.has(one.name)
        if (isGone && removed < maxRemoved) {
          removed++
          await store.remove(one)
          drop(one)
        } else if (memory.entities > settings.maxEntities) {
          if (one.markedDueMs === null) marked.delete(one.name)
          else marked.set(one.name, one.markedDueMs)
          drop(one)
        }
      }
    },
    clear: (): void => {
      count(-held.size)
      held.clear()
      dues.clear()
    },
  }
}

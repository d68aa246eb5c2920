import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '#services/bus/bus.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import { isNotifying, type SinkSettings } from '#services/schema/sink-settings.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { RequestEntry, requestKey, type SinkRequest, statusKey } from './requests.ts'
import { SinkStatus } from './status.ts'

const answerMs = 30_000
const askEveryMs = 200
/** A destination that fails by now is not waited for: it answers nothing before it takes what waits for it. */
const failsAfterMs = 3_000

export type OperationsOptions = {
  bus: Pick<Bus, 'id' | 'read' | 'produce' | 'partitions'>
  origins: OriginCheck | null
  state: StateStore
  sinks: readonly SinkSettings[]
}
export type SinkView = { name: string; type: string; status: SinkStatus | null }

/** What operators ask of destinations; whichever process serves one hears of it through the state store. */
export const createOperations = ({ state, sinks }: Pick<OperationsOptions, 'state' | 'sinks'>) => {
  const find = (name: string): SinkSettings => {
    const found = sinks.find((sink) => sink.name === name)
    if (found) return found
    throw new BartizanError('BTZ_NOT_FOUND', `the configuration names no sink ${name}`)
  }
  const ask = async (name: string, request: SinkRequest): Promise<number> => {
    const present = await state.get(requestKey(name))
    const isAnswered = RequestEntry.safeParse(present?.value).data?.answer !== null
    if (present !== null && !isAnswered)
      throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `sink ${name} has not done yet what was asked before`, {
        hint: 'it does so when its destination takes something again: `bartizan sinks list`',
      })
    return state.put(requestKey(name), { request, answer: null }, { ifRevision: present?.revision ?? 0 })
  }
  const statusOf = async (name: string): Promise<SinkStatus | null> =>
    SinkStatus.safeParse((await state.get(statusKey(name)))?.value).data ?? null
  const failureOf = async (name: string): Promise<string | null> => {
    const status = await statusOf(name)
    return status?.state === 'retrying' || status?.state === 'disabled' ? status.lastError : null
  }
  const answerOf = async (name: string): Promise<string> => {
    const startMs = performance.now()
    for (; performance.now() < startMs + answerMs; await sleep(askEveryMs)) {
      const entry = await state.get(requestKey(name))
      const isLate = performance.now() > startMs + failsAfterMs
      const answer = RequestEntry.safeParse(entry?.value).data?.answer ?? (isLate ? await failureOf(name) : null)
      if (entry === null || answer === null) continue
      await state.delete(requestKey(name), { ifRevision: entry.revision })
      return answer
    }
    throw new BartizanError('BTZ_UNAVAILABLE', `sink ${name} did not answer within ${answerMs / 1_000} s`, {
      hint: '`bartizan sinks list` shows what holds it up',
    })
  }
  return {
    list: (): Promise<SinkView[]> =>
      Promise.all(sinks.map(async ({ name, type }) => ({ name, type, status: await statusOf(name) }))),
    /** What the destination was sent is sent to it again, with new numbers. @throws BTZ_NOT_FOUND BTZ_REQUEST_INVALID */
    replay: async (name: string, from: { fromMs: number } | { fromSeq: number }): Promise<void> => {
      if (isNotifying(find(name)))
        throw new BartizanError('BTZ_REQUEST_INVALID', `sink ${name} notifies people: it is not replayed`)
      await ask(name, { kind: 'replay', ...from })
    },
    resend: async (name: string, place: Omit<Extract<SinkRequest, { kind: 'resend' }>, 'kind'>): Promise<void> => {
      // Whoever may read what was put aside need not have the configuration of destinations.
      if ((await statusOf(name)) === null) find(name)
      await ask(name, { kind: 'resend', ...place })
    },
    /** `taken`, or what the destination said against it. @throws BTZ_UNAVAILABLE */
    test: async (name: string): Promise<string> => {
      find(name)
      await ask(name, { kind: 'test' })
      return answerOf(name).catch(async (error: unknown) => {
        if (hasCode(error, 'BTZ_UNAVAILABLE')) await state.delete(requestKey(name))
        throw error
      })
    },
  }
}
export type Operations = ReturnType<typeof createOperations>

import type { Clock } from '../clock.ts'
import { BartizanError } from '../errors.ts'
import type { WorkerCalls } from '../worker-calls.ts'
import type { LastingWorker } from './lasting-worker.ts'
import type { ReaderOperations } from './sqlite-catalog-reader.ts'

const maxWaiting = 1_000
/** A query stops itself at its limit; one that does not is stuck inside one step of SQLite. */
const graceMs = 500

export type ReaderCalls = WorkerCalls<ReaderOperations>
type Reader = LastingWorker<ReaderCalls>

const overran = (limitMs: number): BartizanError =>
  new BartizanError('BTZ_CATALOG_TIMEOUT', `the query took longer than ${limitMs} ms`, {
    hint: 'narrow it down by time, user or bastion',
  })

/** Each reader answers one query at a time, so that one that has to be stopped takes no other with it. */
export const createReaderPool = (readers: readonly Reader[], limitMs: number, clock: Clock) => {
  const free = [...readers]
  const waiting: ((reader: Reader) => void)[] = []

  const release = (reader: Reader): void => {
    const next = waiting.shift()
    if (next) next(reader)
    else free.push(reader)
  }

  const acquire = async (): Promise<Reader> => {
    const reader = free.pop()
    if (reader) return reader
    if (waiting.length >= maxWaiting) {
      throw new BartizanError('BTZ_UNAVAILABLE', `the catalog is busy: ${maxWaiting} queries wait already`)
    }
    return new Promise((resolve, reject) => {
      const take = (freed: Reader): void => {
        clearTimeout(timer)
        resolve(freed)
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(take), 1)
        reject(overran(limitMs))
      }, limitMs)
      waiting.push(take)
    })
  }

  const withLimit = async <T>(calls: ReaderCalls, leftMs: number, answer: Promise<T>): Promise<T> => {
    let killed = false
    const timer = setTimeout(() => {
      killed = true
      calls.kill('did not stop at its time limit')
    }, leftMs + graceMs)
    try {
      return await answer
    } catch (error) {
      throw killed ? overran(limitMs) : error
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    /** @throws BTZ_CATALOG_TIMEOUT BTZ_UNAVAILABLE, and what the query throws */
    run: async <Name extends keyof ReaderOperations & string>(
      name: Name,
      query: Parameters<ReaderOperations[Name]>[0],
    ): Promise<ReturnType<ReaderOperations[Name]>> => {
      const endMs = clock.now() + limitMs
      const reader = await acquire()
      try {
        const calls = await reader.current()
        const leftMs = endMs - clock.now()
        if (leftMs < 0) throw overran(limitMs)
        const args = [query, leftMs] as Parameters<ReaderOperations[Name]>
        return await withLimit(calls, leftMs, calls.call(name, ...args))
      } finally {
        release(reader)
      }
    },
  }
}

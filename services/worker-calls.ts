import { once } from 'node:events'
import { parentPort, Worker } from 'node:worker_threads'
import { BartizanError, type ErrorCode } from './errors.ts'

/** Calls into a worker thread, answered in order: for what blocks, such as SQLite. */
type Operation = (...args: never[]) => unknown

type Failure = { code: ErrorCode; message: string; hint: string | undefined }
type Request = { id: number; name: string; args: unknown[] }
type Answer = { id: number; result: unknown } | { id: number; failure: Failure }

/** `id` of the answer that says whether the worker could start. */
const startId = 0

export type WorkerCalls<Operations extends Record<keyof Operations, Operation>> = {
  /** @throws BTZ_UNAVAILABLE when too many calls wait or the worker has stopped, and whatever the operation throws */
  call<Name extends keyof Operations & string>(
    name: Name,
    ...args: Parameters<Operations[Name]>
  ): Promise<ReturnType<Operations[Name]>>
  /** After the calls made before. */
  close(): Promise<void>
  /** Ends it in the middle of whatever it does: what waits is rejected. A statement of SQLite still runs to its end. */
  kill(why: string): void
  /** Resolves when it has ended, with the reason. */
  readonly stopped: Promise<BartizanError>
}

type Waiting = { resolve(result: unknown): void; reject(error: Error): void }

/** The answers a worker owes; all of them fail when it stops, and so do those asked for later. */
const trackAnswers = (worker: Worker, what: string) => {
  const waiting = new Map<number, Waiting>()
  let stopped: BartizanError | null = null
  const { promise: end, resolve: resolveEnd } = Promise.withResolvers<BartizanError>()

  const stop = (why: string, cause?: unknown): void => {
    stopped ??= new BartizanError('BTZ_UNAVAILABLE', `${what} ${why}`, { cause })
    resolveEnd(stopped)
    for (const { reject } of waiting.values()) reject(stopped)
    waiting.clear()
  }
  worker.on('error', (error) => stop(`stopped: ${error.message}`, error))
  worker.on('exit', (exitCode) => stop(`stopped with exit code ${exitCode}`))
  worker.on('message', (answer: Answer) => {
    const caller = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('failure' in answer) {
      const { code, message, hint } = answer.failure
      caller?.reject(new BartizanError(code, message, hint === undefined ? {} : { hint }))
    } else caller?.resolve(answer.result)
  })

  return {
    stop,
    end,
    count: () => waiting.size,
    hasStopped: () => stopped !== null,
    answerTo: (id: number): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (stopped) reject(stopped)
        else waiting.set(id, { resolve, reject })
      }),
  }
}

/**
 * Starts the worker `file` (which calls `answerCalls`) and resolves when it is ready. `what` names it in errors.
 * @throws what the worker's start threw
 */
export const startWorkerCalls = async <Operations extends Record<keyof Operations, Operation>>(options: {
  file: URL
  data: unknown
  what: string
  maxPending: number
  /** Of the thread, MiB: beyond it the thread ends, and not the process. */
  heapMb?: number
}): Promise<WorkerCalls<Operations>> => {
  const { file, data, what, maxPending, heapMb } = options
  const resourceLimits = heapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMb } }
  const worker = new Worker(file, { workerData: data, ...resourceLimits })
  const answers = trackAnswers(worker, what)
  let lastId = startId
  await answers.answerTo(startId).catch(async (error: unknown) => {
    await worker.terminate()
    throw error
  })
  return {
    call: async (name, ...args) => {
      if (answers.count() >= maxPending) {
        throw new BartizanError('BTZ_UNAVAILABLE', `${what} is busy: ${maxPending} calls wait already`)
      }
      const id = ++lastId
      const answer = answers.answerTo(id)
      worker.postMessage({ id, name, args } satisfies Request)
      return answer as Promise<ReturnType<Operations[typeof name]>>
    },
    close: async () => {
      if (answers.hasStopped()) return
      const exited = once(worker, 'exit')
      worker.postMessage(null)
      await exited
    },
    kill: (why) => {
      answers.stop(why)
      void worker.terminate()
    },
    stopped: answers.end,
  }
}

const failureOf = (error: unknown): Failure =>
  error instanceof BartizanError
    ? { code: error.code, message: error.message, hint: error.hint }
    : { code: 'BTZ_INTERNAL', message: error instanceof Error ? error.message : String(error), hint: undefined }

/** In the worker: opens what it works on and answers calls until the other side closes. */
export const answerCalls = (open: () => { operations: Record<string, Operation>; close(): void }): void => {
  const port = parentPort
  if (!port) throw new Error('not in a worker thread')
  const reply = (id: number, work: () => unknown): void => {
    let answer: Answer
    try {
      answer = { id, result: work() }
    } catch (error) {
      answer = { id, failure: failureOf(error) }
    }
    port.postMessage(answer)
  }
  reply(startId, () => {
    const { operations, close } = open()
    port.on('message', (request: Request | null) => {
      if (request) {
        reply(request.id, () => Reflect.apply(operations[request.name]!, undefined, request.args))
        return
      }
      close()
      port.close()
    })
  })
}

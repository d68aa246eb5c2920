import { setTimeout as sleep } from 'node:timers/promises'
import { Gauge, type Registry } from 'prom-client'
import type { Config } from './config.ts'
import { type Failure, type ProofOptions, parts, prove } from './dead-man-proof.ts'
import type { Logger } from './log.ts'
import { judge, post } from './sinks/http-post.ts'

/** Tells somebody outside that Bartizan works; when it stops to say so, they alert (healthchecks.io, Dead Man's Snitch, …). */
export type DeadMan = { close(): Promise<void> }

export type DeadManOptions = Omit<ProofOptions, 'stepMs'> & {
  config: Config['deadMan']
  log: Logger
  registry: Registry
  stepMs?: number
}

const firstAfterMs = 30_000 // what starts with us has to be there
const defaultStepMs = 30_000

const createMetrics = (registry: Registry) => {
  const registers = [registry]
  return {
    works: new Gauge({
      name: 'bartizan_dead_man_part_works',
      help: '1: an event came through it at the last look; 0: it did not',
      labelNames: ['part'] as const,
      registers,
    }),
    pinged: new Gauge({ name: 'bartizan_dead_man_last_ping_seconds', help: 'Unix time of the last ping', registers }),
  }
}

/** Its address is a secret: it stands in no message. @throws SinkUnavailable PrivateAddress */
const ping = async (url: string, { method, timeoutMs, allowPrivate }: Config['deadMan'], signal: AbortSignal) => {
  const headers = { 'user-agent': 'bartizan' }
  const answer = await post({ url, method, headers, body: '', allowPrivate, timeoutMs }, signal)
  if (judge(answer) === 'refused') throw new Error(`it answered ${answer.status}`)
}

/** Null where no address is configured. */
export const startDeadMan = (options: DeadManOptions): DeadMan | null => {
  const { config, log, registry, clock, stepMs = defaultStepMs } = options
  const { url, intervalMs } = config
  if (url === undefined) return null
  const stopping = new AbortController()
  const { signal } = stopping
  const metrics = createMetrics(registry)

  const told = (failures: Failure[]): void => {
    for (const part of parts) metrics.works.set({ part }, failures.some((one) => one.part === part) ? 0 : 1)
    if (failures.length > 0) log.error({ failures }, 'dead man: not everything works, so nobody is told that it does')
  }
  const once = async (): Promise<void> => {
    const failures = await prove({ ...options, stepMs }, signal)
    told(failures)
    if (failures.length > 0) return
    await ping(url, config, signal)
    metrics.pinged.set(clock.now() / 1_000)
    log.debug('dead man: told that everything works')
  }
  const run = async (): Promise<void> => {
    await sleep(Math.min(firstAfterMs, intervalMs), undefined, { signal })
    for (;;) {
      const startedMs = performance.now()
      await once().catch((error: Error) => {
        signal.throwIfAborted()
        log.error({ reason: error.message }, 'dead man: the ping did not arrive')
      })
      await sleep(Math.max(0, intervalMs - (performance.now() - startedMs)), undefined, { signal })
    }
  }
  const running = run().catch((err: unknown) => {
    if (!signal.aborted) log.error({ err }, 'dead man: it stopped')
  })
  return {
    close: async () => {
      stopping.abort()
      await running
    },
  }
}

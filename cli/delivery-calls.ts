import { z } from 'zod'
import { createDeadLetterDesk } from '#delivery/dead-letters.ts'
import { createOperations } from '#delivery/operations.ts'
import { SinkStatus } from '#delivery/status.ts'
import { openReceiverBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { callInstance } from './instance.ts'

const SinkView = z.object({ name: z.string(), type: z.string(), status: SinkStatus.nullable() })
const DeadLetter = z.object({
  id: z.string(),
  at: z.string(),
  where: z.string(),
  code: z.string(),
  reason: z.string(),
  topic: z.string(),
  partition: z.number().nullable(),
  offset: z.number().nullable(),
  bytes: z.number(),
  resentAt: z.string().nullable(),
})
const DeadLetters = z.object({ items: z.array(DeadLetter), next: z.string().nullable() })

/** The instance waits for the destination. */
const testMs = 40_000

export type From = { fromMs: number } | { fromSeq: number }
export type DeliveryCalls = {
  list(): Promise<z.infer<typeof SinkView>[]>
  replay(name: string, from: From): Promise<void>
  test(name: string): Promise<string>
  deadLetters(limit: number, after: string | null): Promise<z.infer<typeof DeadLetters>>
  resend(id: string): Promise<{ to: string }>
}

/** Everything is in one process then, which alone may read its bus. */
const throughInstance = (config: Config): DeliveryCalls => ({
  list: async () => z.object({ items: z.array(SinkView) }).parse(await callInstance(config, 'GET', '/api/sinks')).items,
  replay: async (name, from) => {
    await callInstance(config, 'POST', `/api/sinks/${encodeURIComponent(name)}/replay`, from)
  },
  test: async (name) =>
    z
      .object({ answer: z.string() })
      .parse(await callInstance(config, 'POST', `/api/sinks/${encodeURIComponent(name)}/test`, undefined, testMs))
      .answer,
  deadLetters: async (limit, after) => {
    const query = new URLSearchParams({ limit: String(limit), ...(after !== null && { after }) })
    return DeadLetters.parse(await callInstance(config, 'GET', `/api/dead-letters?${query}`))
  },
  resend: async (id) =>
    z.object({ to: z.string() }).parse(await callInstance(config, 'POST', '/api/dead-letters/resend', { id })),
})

/** Calls an instance, or, on a cluster, works on bus and state store with this process's own credentials. */
export const withDelivery = async <T>(config: Config, act: (calls: DeliveryCalls) => Promise<T>): Promise<T> => {
  if (config.backend === 'embedded') return act(throughInstance(config))
  const backends = await openReceiverBackends(config, systemClock, createLogger('bartizan', config.log.level))
  try {
    const operations = createOperations({ ...backends, sinks: config.sinks })
    const desk = createDeadLetterDesk({ ...backends, resendTo: operations.resend })
    return await act({ ...operations, deadLetters: desk.list, resend: (id) => desk.resend(id, Date.now()) })
  } finally {
    await backends.close()
  }
}

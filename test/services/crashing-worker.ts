import { BartizanError } from '#services/errors.ts'
import { answerCalls } from '#services/worker-calls.ts'

/** Stands in for a worker that breaks: real threads end in these three ways. */
const operations = {
  echo: (text: string) => text,
  refuse: (): never => {
    throw new BartizanError('BTZ_STATE_CONFLICT', 'not like this', { hint: 'like that' })
  },
  exit: (): never => process.exit(3),
  crash: () => {
    setImmediate(() => {
      throw new Error('lost its mind')
    })
  },
}
export type CrashingOperations = typeof operations

answerCalls(() => ({ operations, close: () => {} }))

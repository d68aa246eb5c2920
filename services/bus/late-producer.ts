import { BartizanError } from '../errors.ts'
import type { Bus } from './bus.ts'

type Producer = Pick<Bus, 'produce' | 'maxRecordBytes' | 'close'>

/**
 * A producer that is opened when something is produced, and again after opening failed: for whoever has to start while
 * the bus is away. `produce` then throws what `open` threw.
 */
export const createLateProducer = (open: () => Promise<Producer>, maxRecordBytes: number): Producer => {
  let opening: Promise<Producer> | null = null
  let isClosed = false

  const opened = (): Promise<Producer> => {
    opening ??= open().catch((error: unknown) => {
      opening = null
      throw error
    })
    return opening
  }
  return {
    maxRecordBytes,
    produce: async (records) => {
      if (isClosed) throw new BartizanError('BTZ_BUS_CLOSED', 'the bus is closed')
      return (await opened()).produce(records)
    },
    close: async () => {
      isClosed = true
      const producer = await opening?.catch(() => null)
      await producer?.close()
    },
  }
}

import { BartizanError } from '../errors.ts'

/** Bytes of produce calls that are being written; later calls wait their turn. */
export const maxUnderWayBytes = 64 * 1024 * 1024
/** Together with the calls that wait; beyond, a call is refused. */
export const maxHeldBytes = 256 * 1024 * 1024

/** Runs `act` once there is room for its bytes. @throws BTZ_UNAVAILABLE */
export type Admission = <T>(bytes: number, act: () => Promise<T>) => Promise<T>

/** Bounds the memory of produce. Calls start in their order of arrival; one larger than the bound goes alone. */
export const createAdmission = (): Admission => {
  const queue: { bytes: number; start: () => void }[] = []
  let underWayBytes = 0
  let queuedBytes = 0
  const hasRoom = (bytes: number) => underWayBytes === 0 || underWayBytes + bytes <= maxUnderWayBytes

  const startQueued = (): void => {
    while (queue[0] && hasRoom(queue[0].bytes)) {
      const { bytes, start } = queue.shift()!
      queuedBytes -= bytes
      // In this very turn: a call made later in it must not come first.
      start()
    }
  }
  const run = async <T>(bytes: number, act: () => Promise<T>): Promise<T> => {
    underWayBytes += bytes
    try {
      return await act()
    } finally {
      underWayBytes -= bytes
      startQueued()
    }
  }
  return (bytes, act) => {
    if (queue.length === 0 && hasRoom(bytes)) return run(bytes, act)
    const heldBytes = underWayBytes + queuedBytes
    if (heldBytes + bytes > maxHeldBytes) {
      const hint = 'the bus is slower than what comes in: send again later'
      return Promise.reject(
        new BartizanError('BTZ_UNAVAILABLE', `${heldBytes} bytes wait for the bus already`, { hint }),
      )
    }
    queuedBytes += bytes
    return new Promise((resolve) => queue.push({ bytes, start: () => resolve(run(bytes, act)) }))
  }
}

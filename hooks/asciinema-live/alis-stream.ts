import { resizeData } from '#hooks/recorded-file.ts'
import { BartizanError } from '#services/errors.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { type AlisMessage, parseAlisMessage } from './alis-message.ts'

/** What a live stream says, as a recording takes it. */
export type AlisStep =
  | { do: 'begin'; begin: AlisBegin }
  | { do: 'frame'; frame: Frame }
  | { do: 'label'; text: string } // a marker of its user
  | { do: 'missed'; events: bigint } // numbers that never came
  | { do: 'exit'; exitCode: number }
  | { do: 'offline' } // the producer may begin again on the same connection

/** The producer as it stands when it begins, or begins again: how long it has been running, and its screen since then. */
export type AlisBegin = { lastId: bigint; elapsedUs: bigint; cols: number; rows: number; screen: Uint8Array }

/** Reads the messages of one connection, in order. */
export type AlisStream = {
  /** @throws BTZ_ALIS_FORMAT */
  take(message: Uint8Array): AlisStep[]
  /** Of the producer's events: the number of the last, and its time on the producer's clock. */
  readonly heard: { lastId: bigint; elapsedUs: bigint }
}

const maxElapsedUs = 100n * 366n * 86_400n * 1_000_000n
const maxLabelBytes = 4096

type Phase = 'new' | 'waiting' | 'online' | 'over'
const allowed: Readonly<Record<Phase, readonly AlisMessage['type'][]>> = {
  new: ['magic'],
  waiting: ['init', 'end'],
  online: ['output', 'input', 'marker', 'resize', 'exit', 'end'],
  over: ['end'],
}

export const createAlisStream = (): AlisStream => {
  let phase: Phase = 'new'
  let elapsedUs = 0n
  let lastId = 0n
  let carriedUs = 0n // of an event that makes no frame

  const pass = (delayUs: bigint): void => {
    elapsedUs += delayUs
    if (elapsedUs > maxElapsedUs) throw new BartizanError('BTZ_ALIS_FORMAT', 'live stream refused: more than a century')
    carriedUs += delayUs
  }
  const delayNs = (): bigint => {
    const carried = carriedUs
    carriedUs = 0n
    return carried * 1000n
  }
  const count = (id: bigint): AlisStep[] => {
    const missed = id - lastId - 1n
    if (missed < 0n) throw new BartizanError('BTZ_ALIS_FORMAT', 'live stream refused: an event for the second time')
    lastId = id
    return missed > 0n ? [{ do: 'missed', events: missed }] : []
  }
  const begin = (message: Extract<AlisMessage, { type: 'init' }>): AlisStep[] => {
    const { cols, rows, timeUs, screen } = message
    if (timeUs > maxElapsedUs) throw new BartizanError('BTZ_ALIS_FORMAT', 'live stream refused: more than a century')
    phase = 'online'
    elapsedUs = timeUs
    carriedUs = 0n
    lastId = message.lastId
    return [{ do: 'begin', begin: { lastId, elapsedUs, cols, rows, screen } }]
  }
  const event = (message: Exclude<AlisMessage, { type: 'magic' | 'init' | 'end' }>): AlisStep => {
    pass(message.delayUs)
    switch (message.type) {
      case 'output':
        return { do: 'frame', frame: { delayNs: delayNs(), stream: Stream.TTYOUT, data: message.text } }
      case 'input':
        return { do: 'frame', frame: { delayNs: delayNs(), stream: Stream.TTYIN, data: message.text } }
      case 'resize':
        return {
          do: 'frame',
          frame: { delayNs: delayNs(), stream: Stream.RESIZE, data: resizeData(message.rows, message.cols) },
        }
      case 'marker':
        return { do: 'label', text: Buffer.from(message.text.subarray(0, maxLabelBytes)).toString('utf8') }
      case 'exit':
        phase = 'over'
        return { do: 'exit', exitCode: message.status > 255n ? 255 : Number(message.status) }
    }
  }

  return {
    get heard() {
      return { lastId, elapsedUs }
    },
    take: (bytes) => {
      const message = parseAlisMessage(bytes)
      if (!allowed[phase].includes(message.type)) {
        throw new BartizanError('BTZ_ALIS_FORMAT', `live stream refused: ${message.type} out of turn`)
      }
      if (message.type === 'magic') {
        phase = 'waiting'
        return []
      }
      if (message.type === 'init') return begin(message)
      if (message.type !== 'end') return [...count(message.id), event(message)]
      phase = phase === 'over' ? 'over' : 'waiting'
      return [{ do: 'offline' }]
    },
  }
}

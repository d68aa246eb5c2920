import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { v7 } from 'uuid'
import { type DecodedBatch, decodeBatchHeader, type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { type EndReason, SessionEndSchema, SessionStartSchema } from '#services/schema/generated/frame_batch_pb.ts'
import type { Marker } from '#services/schema/marker.ts'
import { createSessionBatches } from './session-batches.ts'

export const sessionAtMs = Date.UTC(2026, 10, 21, 9)

export const frame = (stream: Stream, data: string | Uint8Array, delayMs = 10): Frame => ({
  delayNs: BigInt(delayMs) * 1_000_000n,
  stream,
  data: typeof data === 'string' ? Buffer.from(data) : data,
})
export const shown = (text: string): Frame => frame(Stream.TTYOUT, text)
export const typed = (text: string): Frame => frame(Stream.TTYIN, text)
export const masked = (length: number): Frame => ({ ...frame(Stream.TTYIN, ''), masked: { length, rule: 'no_echo' } })
export const marker = (value: Marker): Frame => frame(Stream.MARKER, JSON.stringify(value))
export const exec = (...argv: string[]): Frame =>
  marker({ type: 'exec', argv, command: `/usr/bin/${argv[0]}`, cwd: null, runAs: null })

type Start = Exclude<MessageInitShape<typeof SessionStartSchema>, { $typeName: string }>
const login = { hook: 'sudo', user: 'alice', runAs: 'alice', tty: '/dev/pts/0', rows: 24, cols: 80, argv: ['-bash'] }

/** Batches of a session as its agent makes them; each call gives the finished bytes of the next. */
export const recordedSession = (start: Start = {}, atMs = sessionAtMs) => {
  const batches = createSessionBatches({ atMs, sessionId: v7({ msecs: atMs }) })
  const fields = { ...login, atMs: BigInt(atMs), ...start }
  return {
    sessionId: batches.sessionId,
    first: (...frames: Frame[]) => batches.withFields({ start: create(SessionStartSchema, fields) }, ...frames),
    next: batches.next,
    end: (reason: EndReason, end: { exitCode?: number; signal?: string; detail?: string } = {}, ...frames: Frame[]) =>
      batches.withFields({ end: create(SessionEndSchema, { atMs: BigInt(atMs + 60_000), reason, ...end }) }, ...frames),
  }
}

export const decoded = (finished: Uint8Array): DecodedBatch => decodeBatchHeader(finished)

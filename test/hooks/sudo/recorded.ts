import type { Core } from '#hooks/agent/core.ts'
import { decodeBatchHeader, decodeFrames, type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import type { SessionEnd, SessionStart } from '#services/schema/generated/frame_batch_pb.ts'
import { Marker } from '#services/schema/marker.ts'
import { spooled } from '#test/hooks/agent/core.ts'

/** A session as it stands in the agent's spool. */
export type RecordedSession = {
  sessionId: string
  start: SessionStart
  end: SessionEnd | null
  frames: Frame[] // markers left out
  markers: { marker: Marker; afterFrames: number }[]
  elapsedNs: bigint
}

/** All sessions of the spool, in the order they were opened. */
export const recordedSessions = async (core: Pick<Core, 'spool'>): Promise<RecordedSession[]> => {
  const sessions = new Map<string, RecordedSession>()
  for (const { type, body } of await spooled(core)) {
    if (type !== 'batch') continue
    const batch = decodeBatchHeader(body)
    const { sessionId, start } = batch
    if (start) sessions.set(sessionId, { sessionId, start, end: null, frames: [], markers: [], elapsedNs: 0n })
    const session = sessions.get(sessionId)!
    for (const frame of decodeFrames(batch)) {
      if (frame.stream !== Stream.MARKER) session.frames.push(frame)
      else {
        const marker = Marker.parse(JSON.parse(Buffer.from(frame.data).toString()))
        session.markers.push({ marker, afterFrames: session.frames.length })
      }
    }
    session.end ??= batch.end ?? null
    session.elapsedNs = batch.endNs
  }
  return [...sessions.values()]
}

export const bytesOf = ({ frames }: Pick<RecordedSession, 'frames'>, stream: Stream): Buffer =>
  Buffer.concat(frames.filter((frame) => frame.stream === stream).map(({ data }) => data))

import { type FrameBatch, Stream } from '#services/schema/generated/frame_batch_pb.ts'

const typed: ReadonlySet<Stream> = new Set([Stream.TTYIN, Stream.STDIN])

/** What is wrong with the masked places of a batch: nothing may stand in one, and each has a length and a rule. */
export const maskedFault = ({ masked, length, stream }: FrameBatch): string | null => {
  let before = -1
  for (const { frame, length: typedBytes, rule } of masked) {
    if (frame >= length.length || frame <= before) return `a masked place names frame ${frame} of ${length.length}`
    if (length[frame] !== 0) return `frame ${frame} is masked, and holds ${length[frame]} bytes`
    if (!typed.has(stream[frame]!)) return `frame ${frame} is masked, and is none of typed input`
    if (typedBytes < 1 || rule === '') return `frame ${frame} is masked without a length or a rule`
    before = frame
  }
  return null
}

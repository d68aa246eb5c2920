import { eventBlockKeyOf } from './format/evidence-keys.ts'
import type { RecordingReader } from './recording-store.ts'

const reach = 10_000 // offsets: more than a block spans, unless half of them were no events
const page = 1_000

/** Key of the last block of events that begins at this offset or before it, and not long before; null: there is none. */
export const eventBlockAt = async (
  recordings: Pick<RecordingReader, 'list'>,
  prefix: string,
  offset: number,
): Promise<string | null> => {
  const beyond = eventBlockKeyOf(prefix, offset + 1)
  let after = offset > reach ? eventBlockKeyOf(prefix, offset - reach - 1) : prefix
  let found: string | null = null
  for (;;) {
    const objects = await recordings.list(prefix, { after, limit: page })
    const before = objects.filter(({ key }) => key < beyond)
    found = before.at(-1)?.key ?? found
    if (objects.length < page || before.length < objects.length) return found
    after = objects.at(-1)!.key
  }
}

import { isAnnouncement } from '#ingest/log/announce.ts'
import { leafRecord } from '#services/proofs/leaf.ts'
import { parseEventFooter } from '#services/recordings/format/event-block.ts'
import type { EventRecorderContext } from '../event-context.ts'
import type { HeldEvent } from './describe-event.ts'

/**
 * A checkpoint proves itself. A leaf of a block that holds nothing else would bring the next checkpoint, whose event would
 * be the next block, and an idle log would grow for ever.
 */
const provesItself = (block: Uint8Array, events: readonly HeldEvent[]): boolean =>
  events.every(({ record }) => isAnnouncement(record.value)) &&
  parseEventFooter(block, block.byteLength).footer.records.length === events.length

/**
 * Gives the block, which stands under the key and begins with these events, its place in the transparency log. Durable when
 * resolved; only then may their offsets be committed, so that a start after a crash says it again. Twice is one leaf.
 */
export const sayEventLeaf = async (
  { bus }: Pick<EventRecorderContext, 'bus'>,
  key: string,
  block: Uint8Array,
  events: readonly HeldEvent[],
): Promise<void> => {
  if (!provesItself(block, events)) await bus.produce([leafRecord('events', key, block)])
}

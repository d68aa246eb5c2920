import type { Bus, Subscription, TopicPartition } from '#services/bus/bus.ts'
import type { Logger } from '#services/log.ts'
import { groupOf } from './requests.ts'

const maxRunBytes = 1024 * 1024

/** Groups of destinations that the configuration names no more, or no more for that topic. */
const retiredGroups = async (
  bus: Pick<Bus, 'lag'>,
  serving: ReadonlySet<string>,
): Promise<Map<string, Set<TopicPartition['topic']>>> => {
  const retired = new Map<string, Set<TopicPartition['topic']>>()
  for (const { group, topic } of await bus.lag()) {
    if (!group.startsWith(groupOf('')) || serving.has(`${group} ${topic}`)) continue
    retired.set(group, (retired.get(group) ?? new Set()).add(topic))
  }
  return retired
}

/**
 * The embedded bus keeps what a group has not committed, and knows no way to end a group: those that nobody serves any more
 * are moved on, so that the disk does not fill for them. Named again later, a destination goes on with its sequence.
 */
export const retireGroups = async (options: {
  bus: Pick<Bus, 'lag' | 'subscribe'>
  serving: ReadonlySet<string> // "group topic"
  log: Logger
}): Promise<{ close(): Promise<void> }> => {
  const { bus, serving, log } = options
  const subscriptions: Subscription[] = []
  for (const [group, topics] of await retiredGroups(bus, serving)) {
    log.warn({ group, topics: [...topics] }, 'no destination of the configuration: what waited for it is passed over')
    const subscription = await bus.subscribe(
      { group, topics: [...topics], maxRunBytes },
      {
        onRecords: async ({ records, ...at }) => {
          await subscription.commit(at, records.at(-1)!.offset + 1)
        },
      },
    )
    subscriptions.push(subscription)
  }
  return {
    close: async () => {
      await Promise.all(subscriptions.map((one) => one.close()))
    },
  }
}

import type { Bus, NewRecord } from '../bus/bus.ts'
import { isSealed, type Signer, sealedTopics, sealRecords } from './seal.ts'

const needsSeal = (record: NewRecord): boolean => sealedTopics.includes(record.topic) && !isSealed(record)

/**
 * The bus, with a proof on each record of the topics whose readers ask for one. A record that has a proof keeps it: who
 * sends again what an agent wrote must not vouch for it.
 */
export const createSigningBus = (bus: Bus, signer: Signer): Bus => ({
  ...bus,
  produce: (records) => {
    const sealed = sealRecords(records.filter(needsSeal), signer).values()
    return bus.produce(records.map((record) => (needsSeal(record) ? sealed.next().value! : record)))
  },
})

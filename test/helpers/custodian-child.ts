import { createCustodian } from '#ingest/custody/custodian.ts'
import { systemClock } from '#services/clock.ts'
import { openCustodyPlace } from './custodian.ts'

/** A round of the custody worker on a folder, killed -9 before the n-th thing that it makes durable. */
const [folder = '', killBefore = 'Infinity'] = process.argv.slice(2)
const place = await openCustodyPlace(folder, systemClock)
let made = 0

const counted =
  <A extends unknown[], R>(act: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R> => {
    if (++made === Number(killBefore)) {
      process.kill(process.pid, 'SIGKILL')
      await new Promise(() => {}) // the signal is on its way
    }
    return act(...args)
  }
const { custody, approvals, holds, acts } = place
const custodian = createCustodian({
  ...place,
  custody: { ...custody, applied: counted(custody.applied), lift: counted(custody.lift) },
  approvals: { ...approvals, done: counted(approvals.done) },
  holds: { ...holds, setHold: counted(holds.setHold), extendRetention: counted(holds.extendRetention) },
  acts: {
    ...acts,
    recordings: { put: counted(acts.recordings.put) },
    bus: { produce: counted(acts.bus.produce) },
  },
})
await custodian.round()
await custodian.close()
await place.close()

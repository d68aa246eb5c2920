import { createCustodian } from '#ingest/custody/custodian.ts'
import { systemClock } from '#services/clock.ts'
import { openCustodyPlace } from './custodian.ts'
import { killedBefore } from './killed-before.ts'

/** A round of the custody worker on a folder, killed -9 before the n-th thing that it makes durable. */
const [folder = '', killBefore = 'Infinity'] = process.argv.slice(2)
const place = await openCustodyPlace(folder, systemClock)
const counted = killedBefore(Number(killBefore))
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

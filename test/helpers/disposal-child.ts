import { runDisposal } from '#services/custody/dispose/dispose.ts'
import { createFileDisposalStore } from '#services/recordings/file-disposal-store.ts'
import { openDisposalPlace, requester } from './disposal.ts'
import { killedBefore } from './killed-before.ts'

/** A disposal on a data folder, ten days from now, killed -9 before the n-th thing that it makes durable or removes. */
const [data = '', killBefore = 'Infinity'] = process.argv.slice(2)
const clock = { now: () => Date.now() + 10 * 86_400_000 }
const { context, close } = await openDisposalPlace(data, async () => createFileDisposalStore(data, clock))
const counted = killedBefore(Number(killBefore))
const { store, state, acts, keys, catalog, checkpoint } = context
const counting = {
  ...context,
  store: { ...store, remove: counted(store.remove) },
  state: { ...state, put: counted(state.put), delete: counted(state.delete) },
  acts: { ...acts, recordings: { put: counted(acts.recordings.put) }, bus: { produce: counted(acts.bus.produce) } },
  keys: { destroy: counted(keys.destroy) },
  catalog: { ...catalog, markErasure: counted(catalog.markErasure), eraseSession: counted(catalog.eraseSession) },
  checkpoint: counted(checkpoint),
}
await runDisposal(counting, { reason: 'its time is over', by: requester, limit: 1_000, tell: () => {} })
await close()

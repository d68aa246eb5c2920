import { Registry } from 'prom-client'
import { createLogWriter } from '#ingest/log/log-writer.ts'
import { type Backends, embedded } from '#services/backends.ts'
import { type Clock, systemClock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import { createCustody } from '#services/custody/custody.ts'
import type { DisposalContext } from '#services/custody/dispose/dispose.ts'
import { createLogger } from '#services/log.ts'
import { createIsLogged } from '#services/proofs/is-logged.ts'
import { verifierOf } from '#services/proofs/note.ts'
import type { DisposalStore } from '#services/recordings/disposal-store.ts'
import type { RecordingStore } from '#services/recordings/recording-store.ts'

const log = createLogger('disposal', 'silent')
export const requester = { did: 'requested', name: 'root', role: 'admin', id: 'dispose' } as const

/**
 * The back ends of a data folder, and a writer of its log that makes checkpoints when it is asked to. `elsewhere`: where
 * evidence is instead, as the writer and as the disposer reach it.
 */
export const openDisposalPlace = async (
  data: string,
  open: (backends: Backends) => Promise<DisposalStore>,
  elsewhere?: { writer: RecordingStore; disposer: RecordingStore },
) => {
  const clock: Clock = systemClock
  const config = Config.parse({ data, bastion: 'jump1' })
  const backends = await embedded(config, clock, log)
  const store = await open(backends)
  const custody = createCustody({ ...backends, clock })
  const recordings = elsewhere?.disposer ?? backends.recordings
  const shared = { ...backends, clock, maxRetentionYears: 10 }
  const writer = await createLogWriter({
    ...{ ...shared, recordings: elsewhere?.writer ?? backends.recordings },
    ...{ bastion: 'jump1', log, registry: new Registry(), every: '0 0 1 1 1 *' },
  })
  const context: DisposalContext = {
    ...{ ...backends, store, custody, checkpoint: writer.drain, pollMs: 5, limitMs: 60_000 },
    acts: { ...shared, recordings },
    isLogged: createIsLogged(recordings, verifierOf(backends.logKey)),
  }
  const close = async () => {
    await writer.close()
    await Promise.all([backends.close(), store.close()])
  }
  return { backends, custody, store, context, close }
}

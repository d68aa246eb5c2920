import { join } from 'node:path'
import type { Bus } from './bus/bus.ts'
import { createLogBus } from './bus/log-bus.ts'
import type { Catalog } from './catalog/catalog.ts'
import { createSqliteCatalog } from './catalog/sqlite-catalog.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { createFileKeyStore } from './keys/file-key-store.ts'
import type { KeyStore } from './keys/key-store.ts'
import type { Logger } from './log.ts'
import { createFileRecordingStore } from './recordings/file-recording-store.ts'
import type { RecordingStore } from './recordings/recording-store.ts'
import { createSqliteStateStore } from './state/sqlite-state-store.ts'
import type { StateStore } from './state/state-store.ts'

/** What the stages talk through. This file alone chooses the adapters. */
export type Backends = {
  bus: Bus
  recordings: RecordingStore
  keys: KeyStore
  catalog: Catalog
  state: StateStore
  close(): Promise<void>
}

/** Everything on this machine, in one folder, without an outside service. */
export const embedded = async (config: Config, clock: Clock, log: Logger): Promise<Backends> => {
  const at = (...parts: string[]) => join(config.data, ...parts)
  const bus = await createLogBus({ folder: at('bus'), ...config.bus, clock, log })
  const recordings = await createFileRecordingStore({
    folder: config.data,
    immutable: config.recordings.immutable,
    log,
  })
  const keys = await createFileKeyStore({ folder: at('keys'), clock })
  const state = await createSqliteStateStore({ file: at('state.db') })
  const { readers, queryTimeoutMs } = config.viewer
  const catalog = await createSqliteCatalog({ file: at('catalog.db'), readers, queryTimeoutMs, clock, log })
  return {
    bus,
    recordings,
    keys,
    catalog,
    state,
    close: async () => {
      await bus.close()
      await Promise.all([recordings.close(), keys.close(), state.close(), catalog.close()])
    },
  }
}

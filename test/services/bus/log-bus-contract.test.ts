import { fileURLToPath } from 'node:url'
import test from 'ava'
import { busContract } from '#test/contract/bus.ts'
import { retentionContract } from '#test/contract/bus-retention.ts'
import { openLogBus, retentionMs } from '#test/helpers/open-log-bus.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const module = fileURLToPath(new URL('../../helpers/open-log-bus.ts', import.meta.url))

busContract(test, async (t) => {
  const folder = await temporaryFolder(t)
  return {
    open: () => openLogBus({ folder }),
    inChild: { module, factory: 'openLogBus', options: { folder } },
  }
})

retentionContract(test, async (t) => {
  const folder = await temporaryFolder(t)
  return {
    open: () => openLogBus({ folder }),
    openAfterRetention: () => openLogBus({ folder, aheadMs: retentionMs + 60_000 }),
  }
})

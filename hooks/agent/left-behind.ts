import { rm } from 'node:fs/promises'
import type { Identity } from '#services/access/identity.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { type Core, startCore } from './core.ts'
import type { Links } from './links.ts'
import { type Place, takeLeftPlaces } from './place.ts'

const everyMs = 250
const lastWriteMs = 2_000

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref())

/** Resolves when the receiver has everything, or `isStopping` says true. */
export const handedOver = async ({ spool }: Pick<Core, 'spool'>, isStopping: () => boolean): Promise<boolean> => {
  while (spool.acknowledgedPosition < spool.durablePosition) {
    if (isStopping()) return false
    await pause(everyMs)
  }
  return true
}

/**
 * What agents that drained beside others could not hand over, because they or the host were cut off: their sessions are
 * ended and their spools sent on, then removed.
 */
export const sendLeftBehind = async (options: {
  config: Config
  folder: string
  own: Place
  identity: Identity
  links: Pick<Links, 'uplinkOf'>
  log: Logger
}): Promise<{ close(): Promise<void> }> => {
  const { config, folder, own, identity, links, log } = options
  let stopping = false
  const send = async ({ folder: at, lock }: Place): Promise<void> => {
    const core = await startCore(config, log, identity, at)
    await core.recorder.endSuspended()
    const uplink = links.uplinkOf(core)
    const isAllThere = await handedOver(core, () => stopping)
    await uplink.close(0)
    await core.spool.close(lastWriteMs)
    await lock.release()
    if (isAllThere) await rm(at, { recursive: true, force: true })
    log.info({ at, isAllThere }, 'spool of an earlier agent')
  }
  const sending = (await takeLeftPlaces(folder, own)).map((place) =>
    send(place).catch((error: unknown) => log.error({ err: error, at: place.folder }, 'spool of an earlier agent')),
  )
  return {
    close: async () => {
      stopping = true
      await Promise.all(sending)
    },
  }
}

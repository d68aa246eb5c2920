import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Identity } from '#services/access/identity.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { sleep } from '#services/uplink/backoff.ts'
import { startCore } from './core.ts'
import type { Links } from './links.ts'
import { type Place, takeLeftPlaces } from './place.ts'

const lookEveryMs = 5_000
const everyMs = 250
const lastWriteMs = 2_000

export type LeftBehindOptions = {
  config: Config
  folder: string
  own: Place
  identity: Identity
  links: Pick<Links, 'uplinkOf'>
  log: Logger
}

/** Ends the sessions of a spool, sends it on, and removes it when the receiver has all of it. */
const send = async (options: LeftBehindOptions, { folder: at, lock }: Place, signal: AbortSignal): Promise<void> => {
  const { config, identity, links, log } = options
  try {
    const core = await startCore(config, log, identity, at)
    await core.recorder.endSuspended()
    const { spool } = core
    const uplink = links.uplinkOf(core)
    const isAllThere = () => spool.acknowledgedPosition >= spool.durablePosition
    while (!isAllThere() && !signal.aborted) await sleep(everyMs, signal)
    await uplink.close(0)
    await spool.close(lastWriteMs)
    if (isAllThere()) await rm(join(at, 'spool'), { recursive: true })
    log.info({ at, isAllThere: isAllThere() }, 'spool of an agent that ended before')
  } finally {
    await lock.release()
  }
}

/**
 * Sends what agents that ended beside this one, drained or cut off, could not hand over any more: as long as this one
 * runs, since they end after it has begun.
 */
export const sendLeftBehind = (options: LeftBehindOptions): { close(): Promise<void> } => {
  const { folder, own, log } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        for await (const place of takeLeftPlaces(folder, own)) await send(options, place, signal)
      } catch (error) {
        log.error({ err: error }, 'spool of an agent that ended before: not sent, tried again')
      }
      await sleep(lookEveryMs, signal)
    }
  }
  const running = run()
  return {
    close: async () => {
      stopping.abort()
      await running
    },
  }
}

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
const send = async (options: LeftBehindOptions, at: string, signal: AbortSignal): Promise<void> => {
  const { config, identity, links, log } = options
  const { recorder, spool } = await startCore(config, log, identity, at)
  const isAllThere = () => spool.acknowledgedPosition >= spool.durablePosition
  try {
    await recorder.endSuspended()
    const uplink = links.uplinkOf({ spool })
    while (!isAllThere() && !signal.aborted) await sleep(everyMs, signal)
    await uplink.close(0)
  } finally {
    await spool.close(lastWriteMs)
  }
  const isDone = isAllThere() && recorder.openSessions.length === 0
  if (isDone) await rm(join(at, 'spool'), { recursive: true })
  log.info({ at, isDone }, 'spool of an agent that ended before')
}

/** One that cannot be read or ended keeps nobody from the others. */
const sendAll = async (options: LeftBehindOptions, signal: AbortSignal): Promise<void> => {
  const { folder, own, log } = options
  for await (const { folder: at, lock } of takeLeftPlaces(folder, own)) {
    try {
      if (!signal.aborted) await send(options, at, signal)
    } catch (error) {
      log.error({ err: error, at }, 'spool of an agent that ended before: not sent, tried again')
    } finally {
      await lock.release()
    }
  }
}

/**
 * Sends what agents that ended beside this one, drained or cut off, could not hand over any more: as long as this one
 * runs, since they end after it has begun.
 */
export const sendLeftBehind = (options: LeftBehindOptions): { close(): Promise<void> } => {
  const stopping = new AbortController()
  const { signal } = stopping
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await sendAll(options, signal).catch((error: unknown) =>
        options.log.error({ err: error }, 'spools of other agents'),
      )
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

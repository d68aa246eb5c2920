import { join } from 'node:path'
import type { LiveHook, LiveHookOptions } from '#hooks/asciinema-live/live-hook.ts'
import { startAuditdHook } from '#hooks/auditd/auditd-hook.ts'
import type { Recorder } from '#hooks/hook.ts'
import { startTlogHook } from '#hooks/tlog/tlog-hook.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import type { HookWatch } from './hook-watch.ts'
import type { Sightings } from './session-sightings.ts'

export type LogHooksOptions = {
  config: Config
  /** Of the agent. */
  folder: string
  recorderFor: (name: string) => Recorder
  hooks: Pick<HookWatch, 'add'>
  sightings: Sightings
  hasRoom: () => boolean
  log: Logger
}

/** Null: it is not asked for, and nothing of it is loaded: no node:http (services/uplink/receiver-client.ts), no WebSockets. */
const startLive = async (
  { port, ...settings }: Config['asciinemaLive'],
  rest: Omit<LiveHookOptions, 'config'>,
): Promise<LiveHook | null> => {
  if (port === undefined) return null
  const { startLiveHook } = await import('#hooks/asciinema-live/live-hook.ts')
  return startLiveHook({ config: { port, ...settings }, ...rest })
}

/**
 * Hooks that read what others wrote or send. `close`: before sessions are drained, so that those of tlog and asciinema
 * stay open and are gone on with.
 */
export const startLogHooks = async (options: LogHooksOptions): Promise<{ close(): Promise<void> }> => {
  const { config, folder, recorderFor, hooks, sightings, hasRoom, log } = options
  const common = (name: string) => ({ folder: join(folder, name), recorder: recorderFor(name), hasRoom, log })
  const tlog = await startTlogHook({ config: config.tlog, ...common('tlog') })
  const auditd = await startAuditdHook({ config: config.auditd, sightings, ...common('auditd') })
  const live = await startLive(config.asciinemaLive, {
    graceMs: config.sudo.resumeGraceMs,
    ...common('asciinema-live'),
  })
  if (live) hooks.add('asciinema', live.probe)
  if (tlog.sources > 0) hooks.add('tlog', tlog.probe)
  if (auditd.sources > 0) hooks.add('auditd', auditd.probe)
  return {
    close: async () => {
      await Promise.all([tlog.close(), auditd.close(), live?.close()])
    },
  }
}

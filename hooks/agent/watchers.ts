import { join } from 'node:path'
import { startOpensshHook } from '#hooks/openssh/openssh-hook.ts'
import { startPostureInbox } from '#hooks/posture/inbox.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import type { Core } from './core.ts'
import type { Links } from './links.ts'
import { startLogHooks } from './log-hooks.ts'

/** What is followed besides the sessions of this agent itself: each has its place in a folder that all agents share. */
export type Watchers = {
  /** Before the drain: what they record belongs to sessions that are still open. */
  closeLogs(): Promise<void>
  close(): Promise<void>
}

type Options = { config: Config; folder: string; core: Core; links: Links; hasRoom: () => boolean; log: Logger }

export const startWatchers = async ({ config, folder, core, links, hasRoom, log }: Options): Promise<Watchers> => {
  const { hooks } = links
  const { recorder } = core
  const recorderFor = (name: string) => hooks.recorderFor(name, recorder)
  const closers: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each()
  }
  try {
    const openssh = await startOpensshHook({
      config: config.openssh,
      folder: join(folder, 'openssh'),
      recorder: recorderFor('openssh'),
      hasRoom,
      log,
    })
    closers.push(openssh.close)
    if (openssh.sources > 0) hooks.add('openssh', openssh.probe)
    const posture = startPostureInbox({ data: config.data, recorder, hasRoom, log })
    closers.push(posture.close)
    const { sightings } = recorder
    const logs = await startLogHooks({ config, folder, recorderFor, hooks, sightings, hasRoom, log })
    closers.push(logs.close)
    return { closeLogs: async () => void (await logs.close()), close }
  } catch (error) {
    await close()
    throw error
  }
}

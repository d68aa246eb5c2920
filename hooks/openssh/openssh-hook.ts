import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Recorder } from '#hooks/hook.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import { createPlaceKeeper, readPlace } from './kept-place.ts'
import { type NamedSource, sourcesOf } from './sources.ts'
import { createSshdLog } from './sshd-log.ts'
import { createTakeLines } from './take-lines.ts'

const restartMs = 5_000

export type OpensshHook = {
  /** Nothing is read after it; what was read is durable, and so is the place in each source. */
  close(): Promise<void>
}

export type OpensshHookOptions = {
  config: Config['openssh']
  /** Where the places are kept. */
  folder: string
  recorder: Pick<Recorder, 'bastion' | 'event'>
  hasRoom: () => boolean
  log: Logger
}

const reported = new Set(['data_lost', 'unreadable', 'stopped'])

/**
 * One source from where it was left to the end of the hook. Whatever stops it, it goes on: what sshd says is no reason
 * for an agent to end that records sessions.
 */
const run = async (source: NamedSource, options: OpensshHookOptions, signal: AbortSignal): Promise<void> => {
  const { config, folder, recorder, hasRoom } = options
  const log = options.log.child({ source: source.name })
  const file = join(folder, `${source.name}.json`)
  const kept = await readPlace(file, log)
  const parser = createSshdLog({
    bastion: recorder.bastion,
    zone: config.timeZone,
    ...(config.year !== undefined && { year: config.year }),
    notAfterMs: Date.now,
    ...(kept && { snapshot: kept.parser }),
  })
  const place = createPlaceKeeper(file, log)
  let stopped = (): void => undefined
  const ended = new Promise<void>((resolve) => {
    stopped = resolve
  })
  const lines = source.open(kept?.position ?? null, ({ reason, detail, bytes }) => {
    log.warn({ reason, bytes }, `sshd log: ${detail}`)
    if (reported.has(reason) && !signal.aborted) {
      const at = new Date().toISOString()
      const said = {
        kind: 'recorder_health' as const,
        at,
        source: 'openssh',
        status: 'ok',
        detail: `sshd log: ${detail}`,
      }
      recorder.event(said).catch((err: unknown) => log.error({ err }, 'sshd log: not reported'))
    }
    if (reason === 'stopped') stopped()
  })
  signal.addEventListener('abort', stopped)
  try {
    await lines.start(createTakeLines({ parser, place, recorder, hasRoom, signal, log }))
    await ended
  } finally {
    signal.removeEventListener('abort', stopped)
    await lines.close()
    await place.close()
  }
}

const keepRunning = async (source: NamedSource, options: OpensshHookOptions, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    await run(source, options, signal).catch((err: unknown) =>
      options.log.error({ err, source: source.name }, 'sshd log: the source failed; it is opened again'),
    )
    if (!signal.aborted) await sleep(restartMs, undefined, { signal }).catch(() => undefined)
  }
}

/** Who logs in, by the log of sshd: followed in a file, taken by syslog, read from the journal. @throws BTZ_CONFIG_INVALID */
export const startOpensshHook = async (options: OpensshHookOptions): Promise<OpensshHook> => {
  const sources = sourcesOf(options.config)
  if (sources.length > 0) await makeFolder(options.folder)
  const closing = new AbortController()
  const running = sources.map((source) => keepRunning(source, options, closing.signal))
  return {
    close: async () => {
      closing.abort()
      await Promise.all(running)
    },
  }
}

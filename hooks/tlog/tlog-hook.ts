import type { Recorder } from '#hooks/hook.ts'
import { type RunningSources, runSources } from '#hooks/openssh/run-sources.ts'
import { sourcesOf } from '#hooks/openssh/sources.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { createReader } from './reader.ts'
import { createProcessLook } from './recording-process.ts'
import { TlogState } from './state.ts'

export type TlogHookOptions = {
  config: Config['tlog']
  /** Where the places are kept. */
  folder: string
  recorder: Recorder
  hasRoom: () => boolean
  log: Logger
}

const identifiers = ['tlog-rec', 'tlog-rec-session']

/** Terminals that tlog records: from the file it writes, by syslog, from the journal. @throws BTZ_CONFIG_INVALID */
export const startTlogHook = ({ config, folder, recorder, hasRoom, log }: TlogHookOptions): Promise<RunningSources> =>
  runSources({
    sources: sourcesOf(config, identifiers),
    folder,
    source: 'tlog',
    title: 'tlog',
    State: TlogState,
    recorder,
    log,
    read: (kept, place, { signal, log }) =>
      createReader({
        recorder,
        kept,
        place,
        hasRoom,
        processState: createProcessLook(),
        silentEndMs: config.silentEndMs,
        signal,
        log,
      }),
  })

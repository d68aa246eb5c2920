import type { Recorder } from '#hooks/hook.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { type RunningSources, runSources } from './run-sources.ts'
import { sourcesOf } from './sources.ts'
import { createSshdLog } from './sshd-log.ts'
import { SshdLogState } from './state.ts'
import { createTakeLines } from './take-lines.ts'

export type OpensshHookOptions = {
  config: Config['openssh']
  /** Where the places are kept. */
  folder: string
  recorder: Pick<Recorder, 'bastion' | 'event'>
  hasRoom: () => boolean
  log: Logger
}

const identifiers = ['sshd', 'sshd-session', 'sshd-auth', 'internal-sftp', 'sftp-server', 'sudo', 'su', 'login']

/** Who logs in, by the log of sshd: followed in a file, taken by syslog, read from the journal. @throws BTZ_CONFIG_INVALID */
export const startOpensshHook = ({
  config,
  folder,
  recorder,
  hasRoom,
  log,
}: OpensshHookOptions): Promise<RunningSources> =>
  runSources({
    sources: sourcesOf(config, identifiers),
    folder,
    source: 'openssh',
    title: 'sshd log',
    State: SshdLogState,
    recorder,
    log,
    read: async (kept, place, { signal, log }) => {
      const parser = createSshdLog({
        bastion: recorder.bastion,
        zone: config.timeZone,
        ...(config.year !== undefined && { year: config.year }),
        notAfterMs: Date.now,
        ...(kept && { snapshot: kept.parser }),
      })
      return { onLines: createTakeLines({ parser, place, recorder, hasRoom, signal, log }) }
    },
  })

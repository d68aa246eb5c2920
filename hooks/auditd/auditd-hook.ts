import type { Sightings } from '#hooks/agent/session-sightings.ts'
import type { Recorder } from '#hooks/hook.ts'
import { createRefusals } from '#hooks/openssh/refusals.ts'
import { type RunningSources, runSources } from '#hooks/openssh/run-sources.ts'
import { sourcesOf } from '#hooks/openssh/sources.ts'
import { createTakeLines, type LineEvent } from '#hooks/openssh/take-lines.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { AuditLogState, createAuditLog } from './audit-log.ts'
import { commandEvent, userOf } from './command-event.ts'
import type { Execve } from './execve.ts'
import { createLoginTerminals, sessionOf } from './join-session.ts'
import { createUserNames, type UserNames } from './user-names.ts'

export type AuditdHookOptions = {
  config: Config['auditd']
  /** Where the place is kept. */
  folder: string
  recorder: Pick<Recorder, 'bastion' | 'event'>
  sightings: Pick<Sightings, 'all'>
  hasRoom: () => boolean
  log: Logger
}

/** Execs → events. What the recorder of a session reports itself (sudo's log_subcmds) is not told twice. */
export const createCommands = (bastion: string, users: UserNames, sightings: Pick<Sightings, 'all'>) => {
  const terminals = createLoginTerminals()
  return (exec: Execve): LineEvent[] => {
    const user = userOf(exec, exec.auid, users)
    if (user !== null && exec.tty !== null && exec.ses !== null) terminals.note(user, exec.tty, exec.ses)
    const session = sessionOf(exec, user, sightings.all(), terminals)
    return session !== null && session.chain.commandEvents > 0 ? [] : [commandEvent(exec, bastion, users, session)]
  }
}

/** Programs that were executed, by the log of auditd or laurel. @throws BTZ_CONFIG_INVALID */
export const startAuditdHook = (options: AuditdHookOptions): Promise<RunningSources> => {
  const { config, folder, recorder, sightings, hasRoom, log } = options
  return runSources({
    sources: sourcesOf({ logFile: config.logFile, listen: [], journal: false }, []),
    folder,
    source: 'auditd',
    title: 'audit log',
    State: AuditLogState,
    recorder,
    log,
    read: async (kept, place, { signal, log }) => {
      const users = createUserNames()
      const refusals = createRefusals(recorder, log, 'auditd', 'audit log')
      const audit = createAuditLog(kept?.parser ?? null, refusals.add)
      const commands = createCommands(recorder.bastion, users, sightings)
      const parser = { take: (line: string) => audit.take(line).flatMap(commands), snapshot: audit.snapshot }
      const take = createTakeLines({ parser, place, recorder, hasRoom, signal, log })
      return {
        onLines: async (lines, position) => {
          await users.refresh()
          await take(lines, position)
          refusals.tell(Date.now())
        },
        close: async () => refusals.tell(Number.POSITIVE_INFINITY),
      }
    },
  })
}

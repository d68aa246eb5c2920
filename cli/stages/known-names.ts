import { loadDirectory } from '#detectors/directory/load-directory.ts'
import type { KnownNames } from '#services/access/matches-session.ts'
import type { KnownLabels } from '#services/custody/retention-rules.ts'
import type { StageOptions } from './stage.ts'

/** What the operator's directory says of names, read again when it changes. */
export const openKnownNames = ({
  config,
  clock,
  log,
}: StageOptions<unknown>): KnownNames & KnownLabels & { close(): void } => {
  const directory = loadDirectory({ file: config.detectors.directoryFile, log, clock })
  const personOf = (user: string) => directory.current().person(user, clock.now())
  return {
    namesOf: (name) => {
      const { name: fullName = null } = personOf(name) ?? {}
      return [directory.current().canonical(name), ...(fullName === null ? [] : [fullName])]
    },
    teamOf: (user) => personOf(user)?.team ?? null,
    groupsOf: (host) => directory.current().groupsOf(host),
    labelsOf: (user, hosts) => directory.current().labelsOf(user, hosts),
    close: directory.close,
  }
}

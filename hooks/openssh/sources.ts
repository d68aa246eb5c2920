import { followFile } from './follow-file.ts'
import { followJournal } from './journal.ts'
import type { LineSource, Position, SourceProblem } from './line-source.ts'
import { listenSyslog, type SyslogAddress } from './syslog-listener.ts'

export type NamedSource = {
  /** Also that of the file in which its place is kept. */
  name: string
  open(from: Position, onProblem: (problem: SourceProblem) => void): LineSource
}

const fileSource = (path: string): NamedSource => ({
  name: 'file',
  open: (from, onProblem) => followFile({ path, from: from?.kind === 'file' ? from : null, onProblem }),
})

const journalSource = (identifiers: readonly string[]): NamedSource => ({
  name: 'journal',
  open: (from, onProblem) => followJournal({ from: from?.kind === 'journal' ? from : null, identifiers, onProblem }),
})

/** `udp:HOST:PORT`, `tcp:HOST:PORT`, `unix:PATH`; the configuration takes no other. */
export const syslogAddress = (text: string): SyslogAddress => {
  const [transport, ...rest] = text.split(':')
  if (transport === 'unix') return { transport, path: rest.join(':') }
  const port = Number(rest.pop())
  const host = rest.join(':').replace(/^\[(.*)\]$/, '$1')
  return { transport: transport === 'tcp' ? 'tcp' : 'udp', port, ...(host !== '' && { host }) }
}

const syslogSource = (text: string): NamedSource => ({
  name: `syslog-${text.replace(/[^A-Za-z0-9.-]+/g, '_')}`.slice(0, 200),
  open: (_from, onProblem) => listenSyslog(syslogAddress(text), onProblem),
})

export type SourceSettings = { logFile?: string | undefined; listen: readonly string[]; journal: boolean }

/** What the configuration asks for. `identifiers`: SYSLOG_IDENTIFIER of what is read from the journal. */
export const sourcesOf = (
  { logFile, listen, journal }: SourceSettings,
  identifiers: readonly string[],
): NamedSource[] => [
  ...(logFile ? [fileSource(logFile)] : []),
  ...listen.map(syslogSource),
  ...(journal ? [journalSource(identifiers)] : []),
]

import type { Config } from '#services/config.ts'
import { followFile } from './follow-file.ts'
import type { LineSource, Position, SourceProblem } from './line-source.ts'

export type NamedSource = {
  /** Also that of the file in which its place is kept. */
  name: string
  open(from: Position, onProblem: (problem: SourceProblem) => void): LineSource
}

const fileSource = (path: string): NamedSource => ({
  name: 'file',
  open: (from, onProblem) => followFile({ path, from: from?.kind === 'file' ? from : null, onProblem }),
})

/** What the configuration asks for. */
export const sourcesOf = ({ logFile }: Config['openssh']): NamedSource[] => [...(logFile ? [fileSource(logFile)] : [])]

/** Where a source can go on after a restart. null: the source has no memory (a socket). */
export type Position =
  | {
      kind: 'file'
      device: number
      inode: number
      /** Bytes of whole lines before here. */
      offset: number
      /** SHA-256 of the file's first `headBytes` bytes: an inode number may be given to another file, or be written anew. */
      headBytes: number
      headHash: string
    }
  | { kind: 'journal'; cursor: string }
  | null

/** What a source could not deliver, or why it stopped; `readable`: that is over. `bytes` where that is known. */
export type SourceProblem = {
  reason: 'line_cut' | 'data_lost' | 'refused_sender' | 'unreadable' | 'readable' | 'restarted' | 'stopped'
  detail: string
  bytes?: number
}

/**
 * Whole lines in order, without their line ends; `position` is behind the last one. Nothing further is read before the
 * promise resolves. A rejection stops the source (`stopped`): the position of the batch before is the one to go on from.
 */
export type OnLines = (lines: string[], position: Position) => Promise<void>

export type LineSource = {
  /** Resolves when lines can arrive (bound, or waiting for the file to appear). */
  start(onLines: OnLines): Promise<void>
  /** No call of `onLines` starts after it; resolves when the last one has ended. */
  close(): Promise<void>
}

/** Bytes of one line that are kept; what is behind is cut off and reported. */
export const maxLineBytes = 65_536

import type { TtyMode } from '#hooks/hook.ts'
import type { FoundTerminal } from './process-files.ts'
import type { SearchResult } from './sudo-search.ts'
import type { TtyProbe } from './tty-probe.ts'

export { terminalOf } from './process-files.ts'

const lookups = 5 // sudo makes its terminal shortly after its accept
const lookupEveryMs = 200

/** Limits looks at what may not be there (yet): a few, some time apart, and then one each `thenEveryMs`. */
export const createFewLooks = (thenEveryMs = Number.POSITIVE_INFINITY): { may(): boolean; noMore(): void } => {
  let left = lookups
  let lookedAtMs = Number.NEGATIVE_INFINITY
  return {
    may: () => {
      if (performance.now() - lookedAtMs < (left > 0 ? lookupEveryMs : thenEveryMs)) return false
      left = Math.max(0, left - 1)
      lookedAtMs = performance.now()
      return true
    },
    noMore: () => {
      left = 0
    },
  }
}

/** Mode of the terminal of a session, found by the inode of a socket or the id of a process, while that session goes on. */
export const createTtyMode = (
  id: number,
  probe: Pick<TtyProbe, 'mode'>,
  find: (id: number) => Promise<SearchResult>,
): (() => Promise<TtyMode>) => {
  const looks = createFewLooks()
  let terminal: FoundTerminal | null = null
  let looking: Promise<void> | null = null

  const lookUp = async (): Promise<void> => {
    const found = await find(id).catch(() => null)
    looking = null
    if (found === 'never') looks.noMore()
    else terminal = found
  }
  return async () => {
    if (!terminal && !looking && looks.may()) looking = lookUp()
    if (looking) await looking
    const asked = terminal
    if (!asked) return 'unknown'
    const mode = await probe.mode(asked.name)
    // Asked after the reading: as long as its maker has it, the name cannot have become another's.
    if (asked.holds()) return mode
    if (terminal === asked) terminal = null
    return 'unknown'
  }
}

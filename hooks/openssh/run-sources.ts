import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import type { Recorder } from '#hooks/hook.ts'
import type { Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import { createPlaceKeeper, type Place, type PlaceKeeper, readPlace } from './kept-place.ts'
import type { OnLines, SourceProblem } from './line-source.ts'
import type { NamedSource } from './sources.ts'

const restartMs = 5_000

/** What is made of the lines of one source. */
export type LineReader = {
  onLines: OnLines
  /** Nothing more comes. What is read is durable, or is read again. */
  close?(): Promise<void>
}

export type RunSources<S> = {
  sources: readonly NamedSource[]
  /** Where the places are kept. */
  folder: string
  /** Of its events, such as openssh. */
  source: string
  /** In messages, such as "sshd log". */
  title: string
  State: z.ZodType<S>
  recorder: Pick<Recorder, 'event'>
  log: Logger
  read(kept: Place<S> | null, place: PlaceKeeper<S>, options: { signal: AbortSignal; log: Logger }): Promise<LineReader>
}

export type RunningSources = {
  readonly sources: number
  /** Whether every source can be read now. */
  probe(): { listening: boolean; lastError: string | null }
  /** Nothing is read after it; what was read is durable, and so is the place in each source. */
  close(): Promise<void>
}

/** How a source is. */
type SourceState = { isRead: boolean; lastError: string | null }

const reported = new Set<SourceProblem['reason']>(['data_lost', 'unreadable', 'stopped'])

const tell = <S>({ recorder, source, title }: RunSources<S>, detail: string, log: Logger): void => {
  const at = new Date().toISOString()
  recorder
    .event({ kind: 'recorder_health', at, source, status: 'ok', detail: `${title}: ${detail}` })
    .catch((err: unknown) => log.error({ err }, `${title}: not reported`))
}

/** One source from where it was left to the end of the hook, or to its own. */
const run = async <S>(
  source: NamedSource,
  options: RunSources<S>,
  signal: AbortSignal,
  state: SourceState,
): Promise<void> => {
  const log = options.log.child({ source: source.name })
  const file = join(options.folder, `${source.name}.json`)
  const kept = await readPlace(file, options.State, log)
  const place = createPlaceKeeper<S>(file, log)
  const reader = await options.read(kept, place, { signal, log })
  let stopped = (): void => undefined
  const ended = new Promise<void>((resolve) => {
    stopped = resolve
  })
  const lines = source.open(kept?.position ?? null, ({ reason, detail, bytes }) => {
    log[reason === 'readable' ? 'info' : 'warn']({ reason, bytes }, `${options.title}: ${detail}`)
    if (reason === 'unreadable') Object.assign(state, { isRead: false, lastError: detail })
    if (reason === 'readable') state.isRead = true
    if (reported.has(reason) && !signal.aborted) tell(options, detail, log)
    if (reason === 'stopped') stopped()
  })
  signal.addEventListener('abort', stopped)
  if (signal.aborted) stopped()
  try {
    state.isRead = true
    await lines.start((read, position) => {
      state.isRead = true
      return reader.onLines(read, position)
    })
    await ended
  } finally {
    state.isRead = false
    signal.removeEventListener('abort', stopped)
    await lines.close()
    await reader.close?.()
    await place.close()
  }
}

/** Whatever stops a source, it goes on: what a log says is no reason for an agent to end that records sessions. */
const keepRunning = async <S>(
  source: NamedSource,
  options: RunSources<S>,
  signal: AbortSignal,
  state: SourceState,
): Promise<void> => {
  while (!signal.aborted) {
    await run(source, options, signal, state).catch((err: unknown) => {
      state.lastError = String(err)
      options.log.error({ err, source: source.name }, `${options.title}: the source failed; it is opened again`)
    })
    if (!signal.aborted) await sleep(restartMs, undefined, { signal }).catch(() => undefined)
  }
}

export const runSources = async <S>(options: RunSources<S>): Promise<RunningSources> => {
  if (options.sources.length > 0) await makeFolder(options.folder)
  const closing = new AbortController()
  const states = options.sources.map((): SourceState => ({ isRead: false, lastError: null }))
  const running = options.sources.map((source, at) => keepRunning(source, options, closing.signal, states[at]!))
  return {
    sources: states.length,
    probe: () => ({
      listening: states.every(({ isRead }) => isRead),
      lastError: states.findLast(({ lastError }) => lastError !== null)?.lastError ?? null,
    }),
    close: async () => {
      closing.abort()
      await Promise.all(running)
    },
  }
}

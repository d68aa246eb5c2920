import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { systemCode } from '#services/disk-error.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import type { Logger } from '#services/log.ts'
import type { Position } from './line-source.ts'

/** How far a source was read, and what the parser remembered there: from here on the same lines give the same events. */
export type Place<S> = { position: Position; parser: S }

const KeptPosition: z.ZodType<Position> = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('file'),
      device: z.number(),
      inode: z.number(),
      offset: z.number(),
      headBytes: z.number(),
      headHash: z.string(),
    }),
    z.object({ kind: z.literal('journal'), cursor: z.string() }),
  ])
  .nullable()
const KeptPlace = z.object({ version: z.literal(1), position: KeptPosition, parser: z.unknown() })

const everyMs = 1_000

/** Null: the source is read from its beginning. What was read before has the same ids then. */
export const readPlace = async <S>(file: string, State: z.ZodType<S>, log: Logger): Promise<Place<S> | null> => {
  try {
    const { position, parser } = KeptPlace.parse(JSON.parse(await readFile(file, 'utf8')))
    return { position, parser: State.parse(parser) }
  } catch (err) {
    if (systemCode(err) !== 'ENOENT') log.error({ err, file }, 'the place where reading of a log goes on is not known')
    return null
  }
}

export type PlaceKeeper<S> = {
  /** Everything before this place is durable elsewhere. */
  keep(place: Place<S>): void
  /** What was given to `keep` is on disk when resolved. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** Keeps a place durably, at most once a second. */
export const createPlaceKeeper = <S>(file: string, log: Logger): PlaceKeeper<S> => {
  let next: Place<S> | null = null
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> = Promise.resolve()

  const write = (): Promise<void> => {
    writing = writing.then(async () => {
      const place = next
      next = null
      if (place === null) return
      // A place that is not kept costs reading again, and nothing else.
      await writeFileDurably(file, JSON.stringify({ version: 1, ...place })).catch((err: unknown) =>
        log.error({ err, file }, 'the place in a log is not kept'),
      )
    })
    return writing
  }
  return {
    keep: (place) => {
      next = place
      timer ??= setTimeout(() => {
        timer = null
        void write()
      }, everyMs).unref()
    },
    flush: write,
    close: async () => {
      if (timer) clearTimeout(timer)
      await write()
    },
  }
}

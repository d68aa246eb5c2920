import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { systemCode } from '#services/disk-error.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import type { Logger } from '#services/log.ts'
import type { Position } from './line-source.ts'
import { SshdLogState } from './state.ts'

/** How far a source was read, and what the parser remembered there: from here on the same lines give the same events. */
export type Place = { position: Position; parser: SshdLogState }

const KeptPlace: z.ZodType<Place> = z.object({
  version: z.literal(1),
  position: z
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
    .nullable(),
  parser: SshdLogState,
})

const everyMs = 1_000

/** Null: the source is read from its beginning. What was read before has the same ids then. */
export const readPlace = async (file: string, log: Logger): Promise<Place | null> => {
  try {
    return KeptPlace.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (err) {
    if (systemCode(err) !== 'ENOENT') log.error({ err, file }, 'sshd log: the place where reading goes on is not known')
    return null
  }
}

/** Keeps a place durably, at most once a second. */
export const createPlaceKeeper = (file: string, log: Logger) => {
  let next: Place | null = null
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> = Promise.resolve()

  const write = (): Promise<void> => {
    writing = writing.then(async () => {
      const place = next
      next = null
      if (place === null) return
      // A place that is not kept costs reading again, and nothing else.
      await writeFileDurably(file, JSON.stringify({ version: 1, ...place })).catch((err: unknown) =>
        log.error({ err, file }, 'sshd log: the place is not kept'),
      )
    })
    return writing
  }
  return {
    /** Everything before this place is durable elsewhere. */
    keep: (place: Place): void => {
      next = place
      timer ??= setTimeout(() => {
        timer = null
        void write()
      }, everyMs).unref()
    },
    close: async (): Promise<void> => {
      if (timer) clearTimeout(timer)
      await write()
    },
  }
}
export type PlaceKeeper = ReturnType<typeof createPlaceKeeper>

import { z } from 'zod'
import type { Recorder, SessionOpening } from '#hooks/hook.ts'
import { createPlaceKeeper, readPlace } from '#hooks/openssh/kept-place.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { AlisBegin } from './alis-stream.ts'
import { createLiveSession, type KeptStream, type Link, type LiveSession, type Returning } from './live-session.ts'
import { sameStream } from './same-stream.ts'
import type { StreamKey } from './stream-keys.ts'

/** Whose stream it is, and where it comes from. */
export type Producer = { key: StreamKey; sourceIp: string | null; sourcePort: number | null; client: string }

/** All streams of this agent, those included whose client may come back. */
export type Streams = {
  /**
   * The session of a producer that begins: its own of before where it comes back, else a new one.
   * @throws BTZ_SPOOL_FULL BTZ_UNAVAILABLE
   */
  begin(producer: Producer, link: Link, begin: AlisBegin): Promise<LiveSession>
  /** Ends those of keys that are good no longer. */
  revoke(isRevoked: (keyId: string) => boolean): void
  /** Sessions stay open for the next agent; resolves when all that came is durable. */
  close(): Promise<void>
}

const number = z.string().regex(/^\d{1,20}$/)
const maxKept = 4096
const State = z.array(
  z.object({
    keyId: z.string().max(64),
    logId: z.string().max(64),
    baseUs: number.transform(BigInt),
    heard: z.object({
      lastId: number.transform(BigInt),
      elapsedUs: number.transform(BigInt),
      atMs: z.number().int().nonnegative(),
    }),
  }),
)
const storable = ({ heard: { lastId, elapsedUs, atMs }, baseUs, ...rest }: KeptStream): z.input<typeof State>[0] => ({
  ...rest,
  baseUs: String(baseUs),
  heard: { lastId: String(lastId), elapsedUs: String(elapsedUs), atMs },
})

const openingOf = (
  { key, sourceIp, sourcePort, client }: Producer,
  begin: AlisBegin,
  nowMs: number,
): SessionOpening => ({
  hook: 'asciinema',
  startedAtMs: nowMs,
  user: key.user,
  runAs: null,
  target: null,
  sourceIp,
  sourcePort,
  connectionId: null,
  tty: '?', // there is one; ALiS does not say which
  rows: begin.rows,
  cols: begin.cols,
  argv: [],
  cwd: null,
  env: {},
  originalCommand: null,
  client,
})

/** `graceMs`: how long a stream without a client waits for it, the one of an earlier agent from now on. */
export const createStreams = async (options: {
  recorder: Recorder
  file: string
  graceMs: number
  /** At once, with those that wait for their clients. */
  maxOpen: number
  now: () => number
  log: Logger
}): Promise<Streams> => {
  const { recorder, file, graceMs, now, log } = options
  const open = new Set<LiveSession>()
  const ending = new Set<Promise<unknown>>()
  let isClosed = false
  const place = createPlaceKeeper<unknown>(file, log)
  let left: KeptStream[] = (await readPlace(file, State, log))?.parser ?? []

  const keep = (): Promise<void> => {
    const kept = [...[...open].map((live) => live.snapshot()), ...left].slice(0, maxKept)
    place.keep({ position: null, parser: kept.map(storable) })
    return place.flush()
  }
  const forgetLeft = setTimeout(() => {
    left = []
    void keep()
  }, graceMs).unref()

  const hold = async (stream: KeptStream, session: Awaited<ReturnType<Recorder['open']>>): Promise<LiveSession> => {
    const live: LiveSession = createLiveSession({
      session,
      stream,
      graceMs,
      now,
      onDurable: () => void (open.has(live) && keep()),
      onOver: (ended) => {
        open.delete(live)
        const settled = ended.catch(() => undefined).finally(() => ending.delete(settled))
        ending.add(settled)
        void keep()
      },
      log,
    })
    open.add(live)
    await keep()
    return live
  }
  const takeLeft = async (stream: KeptStream): Promise<LiveSession | null> => {
    left = left.filter((each) => each !== stream)
    try {
      return await hold(stream, await recorder.resume(stream.logId, 'end'))
    } catch (err) {
      if (!hasCode(err, 'BTZ_NOT_FOUND')) throw err
      log.warn({ err, sessionId: stream.logId }, 'a live stream goes on in a session of its own')
      return null
    }
  }
  const openNew = async (producer: Producer, begin: AlisBegin): Promise<LiveSession> => {
    if (open.size >= options.maxOpen)
      throw new BartizanError('BTZ_UNAVAILABLE', 'too many streams wait for their clients')
    const nowMs = now()
    const session = await recorder.open(openingOf(producer, begin, nowMs))
    const heard = { lastId: begin.lastId, elapsedUs: begin.elapsedUs, atMs: nowMs }
    return hold({ keyId: producer.key.id, logId: session.logId, baseUs: begin.elapsedUs, heard }, session)
  }
  const find = async (keyId: string, begin: AlisBegin): Promise<[LiveSession, Returning] | null> => {
    const waiting = [...open].filter((live) => live.keyId === keyId && (live.link === null || live.link.isSilent()))
    const known = left.filter((stream) => stream.keyId === keyId)
    const same = sameStream<LiveSession | KeptStream>([...waiting, ...known], begin, now())
    if (same === null) return null
    if ('link' in same) return [same, 'came back']
    const live = await takeLeft(same)
    return live && [live, 'known']
  }

  return {
    begin: async (producer, link, begin) => {
      if (isClosed) throw new BartizanError('BTZ_UNAVAILABLE', 'the agent of this host stops; come back')
      const [live, returning] = (await find(producer.key.id, begin)) ?? [await openNew(producer, begin), 'new' as const]
      if (!live.isOver) live.begin(link, begin, returning)
      return live
    },
    revoke: (isRevoked) => {
      for (const live of [...open]) if (isRevoked(live.keyId)) live.end('aborted', 'the key of the stream was revoked')
    },
    close: async () => {
      isClosed = true
      clearTimeout(forgetLeft)
      await Promise.all([...[...open].map((live) => live.leave()), ...ending])
      await keep()
      await place.close()
    },
  }
}

import { EventsAnswer } from '#services/schema/uplink.ts'
import { forbidden, forbiddenHere, type Post } from './post.ts'

const maxEvents = 5_000
const maxChars = 4 * 1024 * 1024
export type Refused = { origin: number; reason: string }

/**
 * Events to where `post` sends them, some thousands at a time; while one request is under way the next is filled.
 * `origin`: given back with what is refused.
 */
export const createEventSender = (post: Post, onRefused: (refused: Refused) => void) => {
  let lines: string[] = []
  let origins: number[] = []
  let chars = 0
  let sending: Promise<void> = Promise.resolve()

  const send = async (body: string, from: readonly number[]): Promise<void> => {
    const upload = { path: '/api/ingest/events', contentType: 'application/x-ndjson', body }
    const { rejected } = EventsAnswer.parse(await post(upload))
    for (const { line, reason } of rejected) {
      if (forbidden.test(reason)) throw forbiddenHere(reason)
      onRefused({ origin: from[line - 1] ?? 0, reason })
    }
  }
  const flush = async (): Promise<void> => {
    await sending
    if (lines.length > 0) sending = send(lines.join('\n'), origins)
    sending.catch(() => undefined) // whoever waits for it next hears of it
    lines = []
    origins = []
    chars = 0
  }
  return {
    add: async (event: object, origin: number): Promise<void> => {
      const line = JSON.stringify(event)
      lines.push(line)
      origins.push(origin)
      chars += line.length
      if (lines.length >= maxEvents || chars >= maxChars) await flush()
    },
    /** Everything that was added is taken. @throws BTZ_FORBIDDEN BTZ_UNAVAILABLE BTZ_REQUEST_INVALID */
    finish: async (): Promise<void> => {
      await flush()
      await sending
    },
  }
}

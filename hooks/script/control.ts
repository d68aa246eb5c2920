import type { Socket } from 'node:net'
import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'

/** What `bartizan record` and the agent say to each other: JSON, one message a line, over loopback. */

const text = (maxChars: number) => z.string().max(maxChars)
const size = z.number().int().min(0).max(0xffff).nullable()

export const FromClient = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('open'),
    argv: z
      .array(text(128 * 1024))
      .min(1)
      .max(4096),
    cwd: text(4096).nullable(),
    tty: text(256).nullable(), // the person's own terminal
    rows: size,
    cols: size,
    env: z.record(text(64), text(4096)),
    client: text(256),
  }),
  z.strictObject({ type: z.literal('opened') }), // both FIFOs are open for writing
  z.strictObject({ type: z.literal('started'), pid: z.number().int().positive() }),
])
export type FromClient = z.infer<typeof FromClient>
export type OpenRequest = Extract<FromClient, { type: 'open' }>

export const FromAgent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('fifos'), data: text(4096), timing: text(4096) }),
  z.strictObject({ type: z.literal('recording'), sessionId: text(64) }),
  z.strictObject({ type: z.literal('refused'), text: text(4096) }),
  z.strictObject({ type: z.literal('abort'), text: text(4096) }), // script has to be ended now
  z.strictObject({ type: z.literal('ended') }), // durable in the spool
])
export type FromAgent = z.infer<typeof FromAgent>

const maxMessageBytes = 1024 * 1024

const refused = (why: string, cause?: unknown): BartizanError =>
  new BartizanError('BTZ_SCRIPT_FORMAT', `recording of script: ${why}`, { cause })

/** Cuts text into messages, however it comes in pieces; those before the one that is none are taken. @throws BTZ_SCRIPT_FORMAT */
export const createMessageLines = <T>(schema: z.ZodType<T>, take: (message: T) => void) => {
  let rest = ''
  const parse = (line: string): T => {
    try {
      return schema.parse(JSON.parse(line))
    } catch (cause) {
      throw refused('a message that is none', cause)
    }
  }
  return (chunk: string): void => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) take(parse(line))
    if (rest.length > maxMessageBytes) throw refused('a message that is too long')
  }
}

/**
 * Calls `take` with each message in order, `end` once: with the reason where what came was no message.
 * `T` is what `schema` lets through.
 */
export const readMessages = <T>(
  socket: Socket,
  schema: z.ZodType<T>,
  take: (message: T) => void,
  end: (problem: BartizanError | null) => void,
): void => {
  const push = createMessageLines(schema, take)
  let ended = false
  const finish = (problem: BartizanError | null): void => {
    if (ended) return
    ended = true
    end(problem)
  }
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    if (ended) return
    try {
      push(chunk)
    } catch (error) {
      if (!(error instanceof BartizanError)) throw error
      finish(error)
    }
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => finish(null))
  socket.resume() // it may have been paused since it connected
}

export const say = (socket: Socket, message: FromClient | FromAgent): void => {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
}

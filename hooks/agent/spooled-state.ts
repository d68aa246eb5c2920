import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Logger } from '#services/log.ts'
import { readIntoChain, type SessionChain } from './session-chain.ts'
import type { SpoolEntry, SpoolRecord } from './spool/record.ts'

/** What the spool has been given so far: the sessions whose end is not in it, and the agent's chain of events. */
export type SpooledState = {
  readonly sessions: Map<string, SessionChain>
  events: { nextSeq: number; lastHash: string | null }
  /** All of it, as the spool keeps it at the head of each segment. */
  checkpoint(): SpoolEntry
  /** At a restart: what an earlier process wrote, in order. */
  read(record: SpoolRecord): void
}

const nullableText = z.string().nullable()
const Facts = z.object({
  hook: z.string(),
  startedAtMs: z.number(),
  user: z.string(),
  runAs: nullableText,
  target: nullableText,
  sourceIp: nullableText,
  sourcePort: z.number().nullable(),
  connectionId: nullableText,
  parentId: nullableText,
  tty: z.boolean(),
})
const StoredChain = z.object({
  sessionId: z.string(),
  facts: Facts,
  seq: z.number(),
  hash: z.string(),
  elapsedNs: z.coerce.bigint(),
  closedAtMs: z.number(),
  outBytes: z.number(),
  inBytes: z.number(),
  lastInputNs: z.coerce.bigint(),
  maxIdleNs: z.coerce.bigint(),
  execMarkers: z.number(),
  commandEvents: z.number(),
  end: z
    .object({
      atMs: z.number(),
      exitCode: z.number().nullable(),
      signal: nullableText,
      runTimeNs: z.coerce.bigint(),
    })
    .nullable(),
  sealed: z.boolean(),
})
const Checkpoint = z.object({
  events: z.object({ nextSeq: z.number().int(), lastHash: nullableText }),
  sessions: z.array(StoredChain),
})
const SpooledEvent = z.looseObject({ kind: z.string(), sessionId: nullableText.optional(), source: z.string() })

const isWritten = ({ seq }: SessionChain): boolean => seq >= 0
const storable = (chain: SessionChain) => ({ ...chain, hash: Buffer.from(chain.hash).toString('hex') })
const chainOf = (stored: z.infer<typeof StoredChain>): SessionChain => ({
  ...stored,
  hash: Buffer.from(stored.hash, 'hex'),
  signedAtMs: Number.NEGATIVE_INFINITY,
})

export const createSpooledState = (firstEventSeq: number, log: Logger): SpooledState => {
  const state = {
    sessions: new Map<string, SessionChain>(),
    events: { nextSeq: firstEventSeq, lastHash: null as string | null },
  }

  const readCheckpoint = (body: Uint8Array): void => {
    const { events, sessions } = Checkpoint.parse(JSON.parse(Buffer.from(body).toString()))
    state.events = events
    state.sessions.clear()
    for (const stored of sessions) state.sessions.set(stored.sessionId, chainOf(stored))
  }

  const readBatch = ({ sessionId, body }: SpoolRecord): void => {
    const chain = readIntoChain(state.sessions.get(sessionId!), body)
    if (chain) state.sessions.set(chain.sessionId, chain)
  }

  const readEvent = ({ seq, body }: SpoolRecord): void => {
    state.events = { nextSeq: seq + 1, lastHash: hash('sha256', body) }
    const event = SpooledEvent.parse(JSON.parse(Buffer.from(body).toString()))
    const chain = event.sessionId ? state.sessions.get(event.sessionId) : undefined
    if (!chain) return
    if (event.kind === 'command') chain.commandEvents += 1
    if (event.kind === 'session_ended' && chain.sealed) state.sessions.delete(chain.sessionId)
  }

  return {
    sessions: state.sessions,
    get events() {
      return state.events
    },
    set events(events) {
      state.events = events
    },
    checkpoint: () => {
      const content = { events: state.events, sessions: [...state.sessions.values()].filter(isWritten).map(storable) }
      const text = JSON.stringify(content, (_, value) => (typeof value === 'bigint' ? String(value) : value))
      return { type: 'checkpoint', sessionId: null, seq: 0, body: Buffer.from(text) }
    },
    read: (record) => {
      try {
        if (record.type === 'checkpoint') readCheckpoint(record.body)
        else if (record.type === 'batch') readBatch(record)
        else readEvent(record)
      } catch (error) {
        log.error({ err: error, position: record.position, type: record.type }, 'spool: a record makes no sense')
      }
    },
  }
}

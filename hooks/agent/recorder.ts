import { v7 as uuidv7 } from 'uuid'
import type { Clock, Recorder, SessionOpening } from '#hooks/hook.ts'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { EventChain } from './event-chain.ts'
import type { Masker } from './masking/masker.ts'
import { type Lineage, parentOf } from './parent-session.ts'
import { createResumeMatch } from './resume-match.ts'
import { tailAfter } from './resume-tail.ts'
import { createSession, type Session, type SessionOptions } from './session.ts'
import { extendChain, newChain, type SessionChain, type Signing } from './session-chain.ts'
import { endedEvent, startedEvent } from './session-events.ts'
import { createSightings, type Sightings } from './session-sightings.ts'
import { factsOf, startMessage } from './session-start.ts'
import type { Spool } from './spool/spool.ts'
import type { SpooledState } from './spooled-state.ts'
import { createSuspended } from './suspended.ts'

/** The agent's side of all recordings. */
export type AgentRecorder = Recorder & {
  /** Sessions with a source, and those that an earlier agent left and whose source may come back. */
  readonly openSessions: { sessionId: string; lastSeq: number }[]
  readonly liveCount: number
  readonly sightings: Sightings
  /** Ends a session, by its source. False: it is not open. */
  terminate(sessionId: string, text: string): boolean
  abortAll(text: string): void
  roomAgain(): void
  /** From now on new sessions are refused, with this text. */
  refuse(text: string): void
  /** Ends as truncated what still waits for its source. */
  endSuspended(): Promise<void>
}

export type RecorderOptions = {
  config: Config
  spool: Spool
  state: SpooledState
  events: EventChain
  signing: Signing
  createMasker: () => Masker
  log: Logger
}

const sealHintBytes = 1024
const openingHintBytes = 16 * 1024
const fullText =
  'this host has no room left for recordings, so no new session can start; please tell its administrators'

export const createRecorder = (options: RecorderOptions): AgentRecorder => {
  const { config, spool, state, events, log } = options
  const { bastion } = config
  const live = new Map<string, { session: Session; lineage: Lineage }>()
  const sightings = createSightings(Date.now)
  let refusal: string | null = null

  const build = (
    chain: SessionChain,
    lineage: Lineage,
    more: Pick<SessionOptions, 'ttyMode' | 'clock' | 'resumed'>,
  ): Session => {
    const session: Session = createSession({
      ...more,
      spool,
      events,
      signing: options.signing,
      log,
      chain,
      bastion,
      config: config.agent,
      masker: options.createMasker(),
      onEnded: () => void state.sessions.delete(chain.sessionId),
      onClosed: () => {
        if (live.get(chain.sessionId)?.session !== session) return
        live.delete(chain.sessionId)
        sightings.closed(chain.sessionId)
      },
    })
    live.set(chain.sessionId, { session, lineage })
    return session
  }
  const suspended = createSuspended({
    graceMs: config.sudo.resumeGraceMs,
    chains: [...state.sessions.values()],
    end: async (chain, ending) => {
      const lineage = { sessionId: chain.sessionId, connectionId: null, sshTty: null }
      await build(chain, lineage, {}).end(ending)
    },
    completeEnd: async (chain) => {
      if (!chain.sealed) {
        const encode = () => extendChain(chain, { frames: [] }, bastion, options.signing, Date.now())
        await spool.append({ hintBytes: sealHintBytes, useReserve: true, encode })
      }
      const onWritten = () => void state.sessions.delete(chain.sessionId)
      await events.emit(endedEvent(chain), { useReserve: true, onWritten })
    },
    log,
  })

  const mayOpen = (): void => {
    if (refusal !== null) throw new BartizanError('BTZ_UNAVAILABLE', refusal)
    const isOpen = spool.level === 'ok' || spool.level === 'warning'
    if (!isOpen || !spool.admits(openingHintBytes)) throw new BartizanError('BTZ_SPOOL_FULL', fullText)
  }
  /** Of a session that could not be opened nothing stays, or, where its start was written already, its end does. */
  const giveUp = (session: Session): void => {
    const { chain } = session
    if (chain.seq >= 0) {
      session.abort('Bartizan: the start of the recording failed')
    } else {
      state.sessions.delete(chain.sessionId)
      live.delete(chain.sessionId)
      sightings.closed(chain.sessionId)
    }
  }
  const open = async (opening: SessionOpening): Promise<Session> => {
    mayOpen()
    const sessionId = uuidv7()
    const parentId = parentOf(
      opening,
      [...live.values()].map(({ lineage }) => lineage),
    )
    const facts = factsOf(opening, parentId)
    const chain = newChain(sessionId, facts, Date.now())
    const lineage = { sessionId, connectionId: opening.connectionId, sshTty: opening.env.SSH_TTY ?? null }
    const session = build(chain, lineage, { ttyMode: opening.ttyMode, clock: opening.clock })
    state.sessions.set(sessionId, chain)
    sightings.opened(chain, opening)
    try {
      await Promise.all([
        session.start(startMessage(opening, parentId, config.agent.envKeep)),
        events.emit(startedEvent(sessionId, facts)),
      ])
    } catch (error) {
      giveUp(session)
      throw error
    }
    return session
  }

  const resume = async (logId: string, from: bigint | 'end', clock?: Clock): Promise<Session> => {
    if (refusal !== null) throw new BartizanError('BTZ_UNAVAILABLE', refusal)
    const chain = state.sessions.get(logId)
    if (!chain || chain.end) {
      throw new BartizanError('BTZ_NOT_FOUND', 'the recording cannot be resumed: there is no such open session')
    }
    const before = live.get(logId)
    await before?.session.flush()
    const resumePointNs = from === 'end' ? chain.elapsedNs : from
    const again = from === 'end' ? [] : tailAfter(spool.readOfSession(logId), resumePointNs)
    const tail = await Promise.resolve(again).catch((error: unknown) => {
      // A long silent session: its batches left the spool. By its own clock no two frames have the same time.
      if (clock === 'stream' && chain.elapsedNs === resumePointNs) return []
      throw error
    })
    const match = createResumeMatch(tail)
    if (live.get(logId) !== before || chain.end) {
      throw new BartizanError('BTZ_NOT_FOUND', 'the recording cannot be resumed: it has ended meanwhile')
    }
    suspended.taken(logId)
    before?.session.retire()
    const lineage = before?.lineage ?? { sessionId: logId, connectionId: chain.facts.connectionId, sshTty: null }
    const commandsAhead = Math.max(0, chain.commandEvents - chain.execMarkers)
    sightings.opened(chain, { tty: null })
    return build(chain, lineage, { clock, resumed: { fromNs: resumePointNs, match, commandsAhead } })
  }

  return {
    bastion,
    open,
    resume,
    sightings,
    event: (event) => events.emit(event),
    get openSessions() {
      const open = [...state.sessions.values()].filter(({ end, seq }) => end === null && seq >= 0)
      return open.map(({ sessionId, seq }) => ({ sessionId, lastSeq: seq }))
    },
    get liveCount() {
      return live.size
    },
    terminate: (sessionId, text) => {
      live.get(sessionId)?.session.abort(text)
      return live.has(sessionId)
    },
    abortAll: (text) => {
      for (const { session } of live.values()) session.abort(text)
    },
    roomAgain: () => {
      for (const { session } of live.values()) session.roomAgain()
    },
    refuse: (text) => {
      refusal = text
    },
    endSuspended: suspended.endAll,
  }
}

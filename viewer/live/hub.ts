import type { Registry } from 'prom-client'
import type { Bus, BusRecord } from '#services/bus/bus.ts'
import type { CatalogReader } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import { type DecodedBatch, decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import type { Session } from '#services/schema/session.ts'
import type { ViewsReader } from '#services/views/views.ts'
import { liveLimits } from './limits.ts'
import { createLiveSession, type LiveSession, type Viewer } from './live-session.ts'
import { createLiveMetrics, type Refusal } from './metrics.ts'
import { createPartitionTails } from './partition-tails.ts'
import { startOf } from './start.ts'

/** Why watching ended for all viewers of a session, other than by its end. */
export type Stopped = 'erased' | 'later' | 'server stops'
/** `stop`: no more comes. */
export type HubViewer = Viewer & { stop(why: Stopped, text: string): void }
export type Watching = { rejoin(): void; leave(): void }

export type HubOptions = {
  bus: Pick<Bus, 'read' | 'follow' | 'committed' | 'partitions'>
  views: Pick<ViewsReader, 'liveState' | 'unavailable'>
  catalog: Pick<CatalogReader, 'session'>
  origins: OriginCheck | null
  clock: Clock
  log: Logger
  registry: Registry
}

type Watched = {
  session: Session
  live: LiveSession
  viewers: Set<HubViewer>
  stopListening: () => void
  idleSinceMs: number | null
  endSeenMs: number | null // that it has ended, by the catalog
}

const tooMany = (what: string) =>
  new BartizanError('BTZ_TOO_MANY_REQUESTS', `too many people watch ${what}`, { hint: 'try again later' })
const refusals = {
  stopping: () => new BartizanError('BTZ_UNAVAILABLE', 'this process stops'),
  server_full: () => tooMany('live here'),
  session_full: () => tooMany('this session live'),
  sessions_full: () => tooMany('different sessions live here'),
} satisfies Partial<Record<Refusal, () => BartizanError>>

const isGone = (session: Session | null): boolean =>
  session === null || session.evidence === 'erasing' || session.evidence === 'erased'

/** All sessions that this process shows live: each is read and emulated once, for however many look at it. */
export const createLiveHub = (options: HubOptions) => {
  const { bus, catalog, origins, clock, log } = options
  const tails = createPartitionTails(bus)
  const opening = new Map<string, Promise<Watched>>()
  const open = new Map<string, Watched>()
  let isClosed = false
  const viewerCount = (): number => [...open.values()].reduce((sum, { viewers }) => sum + viewers.size, 0)
  const metrics = createLiveMetrics(options.registry, { sessions: () => open.size, viewers: viewerCount })

  const drop = (watched: Watched): void => {
    const { id } = watched.session
    watched.stopListening()
    if (open.get(id) === watched) open.delete(id)
  }
  const stop = (watched: Watched, why: Stopped, text: string): void => {
    drop(watched)
    for (const viewer of watched.viewers) viewer.stop(why, text)
    watched.viewers.clear()
  }

  /** Null for what is not a batch of this session, by who may speak for it: ingest puts that aside and tells of it. */
  const decode = async (session: Session, record: BusRecord): Promise<DecodedBatch | null> => {
    const batch = decodeBatchHeader(record.value)
    if (batch.sessionId !== session.id || batch.bastion !== session.bastion) return null
    return origins && (await origins.refuse(record, batch.bastion)) !== null ? null : batch
  }
  const take = async ({ session, live, viewers }: Watched, record: BusRecord): Promise<void> => {
    try {
      const batch = await decode(session, record)
      if (batch === null) return
      live.take(batch, clock.now())
      if (viewers.size > 0) metrics.lag.observe(Math.max(0, clock.now() - record.timestampMs) / 1000)
    } catch (err) {
      log.warn({ err, sessionId: session.id, offset: record.offset }, 'live: a batch cannot be shown')
    }
  }

  const start = async (session: Session): Promise<Watched> => {
    const { from, ...start } = await startOf(options, session)
    const live = createLiveSession(start)
    const idle = { idleSinceMs: clock.now(), endSeenMs: null, stopListening: () => {} }
    const watched: Watched = { session, live, viewers: new Set(), ...idle }
    watched.stopListening = await tails.listen(session.id, from, {
      take: async (record) => {
        if (!live.isOver()) await take(watched, record)
        if (live.isOver()) drop(watched)
      },
      fail: (err) => {
        log.error({ err, sessionId: session.id }, 'live: the bus cannot be followed')
        stop(watched, 'later', 'the session cannot be followed now')
      },
    })
    if (live.isOver()) drop(watched)
    else open.set(session.id, watched)
    return watched
  }
  const watchedOf = (session: Session): Promise<Watched> => {
    const there = open.get(session.id)
    if (there) return Promise.resolve(there)
    const starting = opening.get(session.id) ?? start(session).finally(() => opening.delete(session.id))
    opening.set(session.id, starting)
    return starting
  }
  const fullness = (session: Session): keyof typeof refusals | null => {
    const ofSession = open.get(session.id)?.viewers.size ?? 0
    if (isClosed) return 'stopping'
    if (viewerCount() >= liveLimits.viewers) return 'server_full'
    if (ofSession >= liveLimits.viewersOfSession) return 'session_full'
    return ofSession === 0 && open.size + opening.size >= liveLimits.sessions ? 'sessions_full' : null
  }
  /** @throws BTZ_TOO_MANY_REQUESTS BTZ_UNAVAILABLE */
  const admit = async (session: Session): Promise<Watched> => {
    const refusal = fullness(session)
    if (refusal !== null) {
      metrics.refused.inc({ reason: refusal })
      throw refusals[refusal]()
    }
    return watchedOf(session).catch((error: unknown) => {
      metrics.refused.inc({ reason: 'unavailable' satisfies Refusal })
      throw error
    })
  }

  const look = async (watched: Watched): Promise<void> => {
    watched.live.tick(clock.now())
    const [session, nowMs] = [await catalog.session(watched.session.id), clock.now()]
    if (isGone(session)) return stop(watched, 'erased', 'what was recorded here was erased')
    if (session!.endedAt !== null) watched.endSeenMs ??= nowMs
    // Its last batch may still be on its way; of a session that was cut off there is none.
    if (watched.endSeenMs !== null && nowMs - watched.endSeenMs > liveLimits.lastBatchMs) watched.live.end()
    const isIdle = watched.idleSinceMs !== null && nowMs - watched.idleSinceMs > liveLimits.idleMs
    if (isIdle || watched.live.isOver()) drop(watched)
  }
  const looking = setInterval(() => {
    for (const watched of open.values())
      look(watched).catch((err: unknown) =>
        log.warn({ err, sessionId: watched.session.id }, 'live: how a session stands'),
      )
  }, liveLimits.lookMs).unref()

  return {
    /** Opens it, so that whoever is refused can still be told so. @throws BTZ_TOO_MANY_REQUESTS BTZ_UNAVAILABLE */
    prepare: async (session: Session): Promise<void> => {
      await admit(session)
    },
    /** `afterUs`: up to where the viewer has seen it. @throws BTZ_TOO_MANY_REQUESTS BTZ_UNAVAILABLE */
    watch: async (session: Session, viewer: HubViewer, afterUs: number | null): Promise<Watching> => {
      const watched = await admit(session)
      const { live, viewers } = watched
      viewers.add(viewer)
      watched.idleSinceMs = null
      live.join(viewer, afterUs)
      return {
        rejoin: () => {
          if (!viewers.has(viewer) || live.isOver()) return
          metrics.skipped.inc()
          live.rejoin(viewer)
        },
        leave: () => {
          live.leave(viewer)
          viewers.delete(viewer)
          if (viewers.size === 0) watched.idleSinceMs = clock.now()
        },
      }
    },
    /** How many sessions are watched. */
    count: (): number => open.size,
    close: async (): Promise<void> => {
      isClosed = true
      clearInterval(looking)
      await Promise.allSettled(opening.values())
      for (const watched of open.values()) stop(watched, 'server stops', 'the console stops; come back')
      await tails.close()
    },
  }
}
export type LiveHub = ReturnType<typeof createLiveHub>

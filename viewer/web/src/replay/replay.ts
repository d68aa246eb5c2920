import { openSegments, type RecordedEvent, type Segment, type Segments } from './segments.ts'

/** What the player's terminal is told, as its own drivers tell it (asciinema-player 3.17.0, src/core.js). */
export type Dispatch = (name: string, data?: unknown) => void
export type ReplayState = {
  status: 'loading' | 'paused' | 'playing' | 'ended' | 'failed'
  durationMs: number
  size: { cols: number; rows: number } | null
  error: Error | null
}
export type Replay = ReturnType<typeof createReplay>

const longestTimerMs = 1_000

const sizeOf = (data: string) => {
  const [cols = 80, rows = 24] = data.split('x').map(Number)
  return { cols, rows }
}

/**
 * Plays a segmented recording into the player's terminal. The player's own driver can change neither speed nor recording
 * while it plays, and shows no other place of one step than by a key. All times in milliseconds of playing.
 */
export const createReplay = (tell: (state: ReplayState) => void) => {
  let state: ReplayState = { status: 'loading', durationMs: 0, size: null, error: null }
  let dispatch: Dispatch = () => {}
  let attach = () => {}
  const attached = new Promise<void>((done) => {
    attach = done
  })
  let segments: Segments | null = null
  let place: { number: number; segment: Segment; next: number } | null = null
  let anchor = { ms: 0, clockMs: 0 } // where it stood when the clock was looked at last
  let speed = 1
  let isWanted = false // playing was asked for before there was anything to play
  let turn = 0 // what was begun in an earlier turn is not finished
  let timer: ReturnType<typeof setTimeout> | undefined

  const set = (change: Partial<ReplayState>): void => {
    state = { ...state, ...change }
    tell(state)
  }
  const timeMs = (): number => {
    if (state.status !== 'playing') return anchor.ms
    return Math.min(anchor.ms + (performance.now() - anchor.clockMs) * speed, state.durationMs)
  }
  const anchorAt = (ms: number): void => {
    anchor = { ms, clockMs: performance.now() }
  }
  const fail = (error: unknown): void => {
    clearTimeout(timer)
    set({ status: 'failed', error: error instanceof Error ? error : new Error(String(error)) })
  }

  const resize = (size: { cols: number; rows: number }): void => set({ size })
  const apply = ([, code, data]: RecordedEvent): void => {
    if (code === 'r') {
      dispatch('resize', sizeOf(data))
      resize(sizeOf(data))
    }
    if (code === 'i' && state.status === 'playing') dispatch('input', { data })
  }
  /** All events up to a moment; output between two other events as one piece. */
  const feedUntil = (ms: number): void => {
    if (!place) return
    const { events } = place.segment
    let output = ''
    const flush = () => {
      if (output) dispatch('output', output)
      output = ''
    }
    for (let event = events[place.next]; event && event[0] * 1000 <= ms; event = events[++place.next]) {
      if (event[1] === 'o') output += event[2]
      else {
        flush()
        apply(event)
      }
    }
    flush()
  }
  const enter = (number: number, segment: Segment): void => {
    place = { number, segment, next: 0 }
    const { cols, rows, init } = segment.snapshot
    dispatch('reset', { size: { cols, rows }, init, theme: null })
    resize({ cols, rows })
  }
  const lastFedMs = (): number => (place && place.next > 0 ? place.segment.events[place.next - 1]![0] * 1000 : 0)

  /** @returns false where something else was begun meanwhile */
  const moveTo = async (ms: number): Promise<boolean> => {
    const mine = ++turn
    clearTimeout(timer)
    if (!segments) return false
    const number = segments.at(ms)
    if (place?.number !== number || ms < lastFedMs()) {
      const segment = await segments.load(number)
      if (mine !== turn) return false
      enter(number, segment)
    }
    feedUntil(ms)
    anchorAt(ms)
    return true
  }

  const goOn = async (): Promise<void> => {
    if (!segments || !place) return
    if (place.number + 1 >= segments.count) {
      anchorAt(state.durationMs)
      set({ status: 'ended' })
      dispatch('ended')
      return
    }
    const [mine, number] = [turn, place.number + 1]
    const segment = await segments.load(number)
    if (mine !== turn) return
    // Nothing is reset within a recording: what was fed leads to the next segment's first screen.
    place = { number, segment, next: 0 }
    // However long that took: it goes on where it waited.
    if (timeMs() > segments.startMs(number) + longestTimerMs) anchorAt(segments.startMs(number))
    prefetch()
    tick()
  }
  const prefetch = (): void => {
    if (segments && place && place.number + 1 < segments.count) segments.load(place.number + 1).catch(() => {})
  }
  const tick = (): void => {
    clearTimeout(timer)
    if (state.status !== 'playing' || !place || !segments) return
    feedUntil(timeMs())
    const next = place.segment.events[place.next]
    const isLast = place.number + 1 >= segments.count
    const dueMs = next ? next[0] * 1000 : isLast ? state.durationMs : segments.startMs(place.number + 1)
    if (!next && timeMs() >= dueMs) return void goOn().catch(fail)
    const waitMs = Math.max(0, (dueMs - timeMs()) / speed)
    timer = setTimeout(tick, Math.min(Math.max(waitMs, 8), longestTimerMs))
  }

  const play = async (): Promise<void> => {
    isWanted = state.status === 'loading'
    if (state.status === 'playing' || isWanted || state.status === 'failed') return
    try {
      if (timeMs() >= state.durationMs && !(await moveTo(0))) return
    } catch (error) {
      return fail(error)
    }
    anchorAt(anchor.ms)
    set({ status: 'playing' })
    dispatch('play')
    dispatch('playing')
    prefetch()
    tick()
  }
  const pause = (): void => {
    isWanted = false
    if (state.status !== 'playing') return
    anchorAt(timeMs())
    clearTimeout(timer)
    set({ status: 'paused' })
    dispatch('pause')
  }
  const seek = async (ms: number): Promise<void> => {
    if (state.status === 'loading' || state.status === 'failed') return
    const target = Math.min(Math.max(ms, 0), state.durationMs)
    const wasPlaying = state.status === 'playing'
    try {
      if (!(await moveTo(target))) return
    } catch (error) {
      return fail(error)
    }
    dispatch('play') // takes the start button off the screen
    dispatch('seeked')
    if (wasPlaying) {
      set({ status: 'playing' })
      return tick()
    }
    set({ status: target >= state.durationMs ? 'ended' : 'paused' })
  }

  /** To the next or the previous moment at which something was written. */
  const step = async (direction: 1 | -1): Promise<void> => {
    pause()
    if (!segments || !place) return
    const nowMs = timeMs()
    for (let number = place.number; number >= 0 && number < segments.count; number += direction) {
      const { events } = await segments.load(number)
      const isBeyond = ([seconds, code]: RecordedEvent) =>
        code === 'o' && (direction === 1 ? seconds * 1000 > nowMs : seconds * 1000 < nowMs)
      const found = direction === 1 ? events.find(isBeyond) : events.findLast(isBeyond)
      if (found) return seek(found[0] * 1000)
    }
  }

  return {
    timeMs,
    play,
    pause,
    seek,
    step,
    toggle: () => (state.status === 'playing' ? pause() : void play()),
    setSpeed: (times: number): void => {
      anchorAt(timeMs())
      speed = times
      tick()
    },
    /** Another recording, or the same with other pauses; it stands at `atMs`, and plays on if it played. */
    open: async (indexUrl: string, headers: Record<string, string>, atMs: number): Promise<void> => {
      const wasPlaying = state.status === 'playing'
      const mine = ++turn
      clearTimeout(timer)
      set({ status: 'loading', error: null })
      try {
        const [opened] = await Promise.all([openSegments(indexUrl, headers), attached])
        if (mine !== turn) return
        segments = opened
        place = null
        set({ durationMs: opened.durationMs })
        if (!(await moveTo(Math.min(Math.max(atMs, 0), opened.durationMs)))) return
      } catch (error) {
        if (mine === turn) fail(error)
        return
      }
      set({ status: atMs >= state.durationMs ? 'ended' : 'paused' })
      if (atMs > 0) dispatch('play')
      if (wasPlaying || isWanted) await play()
    },
    /** What the player asks for as a source: a function is taken as a driver (3.17.0, src/core.js, getDriver). */
    driver: (callbacks: { dispatch: Dispatch }) => {
      dispatch = callbacks.dispatch
      attach()
      return {
        play,
        pause,
        seek: (seconds: number) => seek(seconds * 1000),
        stop: () => {
          turn++
          clearTimeout(timer)
        },
        getDuration: () => state.durationMs / 1000,
        getCurrentTime: () => timeMs() / 1000,
      }
    },
  }
}

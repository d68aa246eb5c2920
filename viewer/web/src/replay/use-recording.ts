import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { api, type Timeline } from '../api.ts'
import { whyHeader } from '../why.ts'
import { createReplay, type Replay, type ReplayState } from './replay.ts'
import { clockOf } from './skips.ts'

/** Pauses longer than this are shortened to it. */
export const idleMs = 2_000
/** Moments are told in whole milliseconds, what happens in one of them a fraction later: it is to be seen. */
export const wholeMs = 0.999

const nothing: ReplayState = { status: 'loading', durationMs: 0, size: null, error: null }

export type Opening = {
  /** Of `index.json` and `timeline.json`. */
  folder: string
  /** Under what the reason for watching was given. */
  place: string
  startAtMs: number
  isPlaying: boolean
  isIdleShort: boolean
}

/** A recording that is opened and played; where it stands is kept when pauses are played otherwise. */
export const useRecording = ({ folder, place, startAtMs, isPlaying, isIdleShort }: Opening) => {
  const [state, setState] = useState(nothing)
  const [replay] = useState<Replay>(() => createReplay(setState))
  const query = isIdleShort ? `?idleMs=${idleMs}` : ''
  const timeline = useQuery({
    queryKey: ['timeline', folder, query],
    queryFn: ({ signal }) => api.timeline(`${folder}/timeline.json${query}`, place, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  // Of the recording that is open: of the next one nothing is known until it is.
  const [opened, setOpened] = useState<Timeline | null>(null)
  const clock = useMemo(() => clockOf(opened?.skips ?? []), [opened])
  const atSessionMs = useRef(startAtMs + wholeMs)
  const begins = useRef(isPlaying)
  const opening = useRef({ clock, isDone: Promise.resolve() })

  useEffect(() => {
    if (!timeline.data) return
    setOpened(timeline.data)
    const next = clockOf(timeline.data.skips)
    const open = async (): Promise<void> => {
      await replay.open(`${folder}/index.json${query}`, whyHeader(place), next.toPlayMs(atSessionMs.current))
      if (begins.current) void replay.play()
      begins.current = false
    }
    opening.current = { clock: next, isDone: open() }
  }, [replay, folder, query, place, timeline.data])

  const sessionMs = (): number => {
    if (state.status !== 'loading' && state.status !== 'failed')
      atSessionMs.current = clock.toSessionMs(replay.timeMs())
    return atSessionMs.current
  }
  const seek = useCallback(
    async (atMs: number): Promise<void> => {
      await opening.current.isDone
      await replay.seek(opening.current.clock.toPlayMs(atMs + wholeMs))
    },
    [replay],
  )
  return { replay, state, clock, opened, error: timeline.error, retry: timeline.refetch, sessionMs, seek }
}

/** Tells when playing came to the end by itself. */
export const useEnd = ({ status }: ReplayState, tell: () => void): void => {
  const before = useRef(status)
  const latest = useRef(tell)
  latest.current = tell
  useEffect(() => {
    if (status === 'ended' && before.current === 'playing') latest.current()
    before.current = status
  }, [status])
}

import { Alert, Group, Loader, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type Ref, useCallback, useEffect, useImperativeHandle, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'
import type { Session, SessionDetails } from '../api.ts'
import { LiveScreen } from './live-screen.tsx'
import { type PaneHandle, type PaneProps, ReplayPane } from './replay-pane.tsx'

const refreshMs = 3_000
type Shown = { isLive: boolean; afterUs: number | null; atMs: number; isPlaying: boolean; opening: number }

const NotStored = ({ isRunning }: { isRunning: boolean }) => (
  <Alert title={isRunning ? 'Recording' : 'Being stored'}>
    <Group gap="sm">
      <Loader size="xs" aria-hidden />
      <Text size="sm">The recording can be played as soon as its first part is stored: within a minute.</Text>
    </Group>
  </Alert>
)

/** Whether there is something to play, asked until there is. */
const useStored = (session: Session, isAsked: boolean): boolean => {
  const url = `/api/sessions/${session.id}/replay/index.json`
  const stored = useQuery({
    queryKey: ['stored', session.id],
    queryFn: async ({ signal }) => (await fetch(url, { method: 'HEAD', signal })).ok,
    refetchInterval: (query) => (query.state.data ? false : refreshMs),
    enabled: isAsked && session.evidence !== 'sealed',
  })
  return session.evidence === 'sealed' || (stored.data ?? false)
}

/** The recording; of a session that goes on, what happens now, and back and forth between the two. */
export const Recording = (props: {
  session: SessionDetails
  words: readonly string[]
  hits: PaneProps['hits']
  onTime(atMs: number): void
  ref: Ref<PaneHandle>
}) => {
  const { session, words, hits, onTime, ref } = props
  const [search] = useSearchParams()
  const [wasOpen] = useState(session.endedAt === null)
  // Until all of it is stored.
  const isRunning = session.recorded && wasOpen && (session.endedAt === null || session.evidence === 'pending')
  const isFollowed = isRunning && session.screenUnavailable === null
  const asked = search.get('t')
  const [shown, setShown] = useState<Shown>({
    isLive: isFollowed && asked === null,
    afterUs: null,
    atMs: Number(asked ?? 0) || 0,
    isPlaying: false,
    opening: 0,
  })
  const show = useCallback(
    (change: Partial<Shown>) => setShown((before) => ({ ...before, ...change, opening: before.opening + 1 })),
    [],
  )
  const lastMs = useRef(0)
  const pane = useRef<PaneHandle>(null)
  const isStored = useStored(session, session.recorded && !shown.isLive)

  const wasRunning = useRef(isRunning)
  useEffect(() => {
    // It is whole now: opened again, where it stood.
    if (wasRunning.current && !isRunning)
      show({ isLive: false, atMs: lastMs.current, isPlaying: pane.current?.isPlaying() ?? false })
    wasRunning.current = isRunning
  }, [isRunning, show])

  useImperativeHandle(
    ref,
    () => ({
      playFrom: (atMs) => (pane.current ? pane.current.playFrom(atMs) : show({ isLive: false, atMs, isPlaying: true })),
      timeMs: () => pane.current?.timeMs() ?? lastMs.current,
      isPlaying: () => pane.current?.isPlaying() ?? shown.isLive,
    }),
    [show, shown.isLive],
  )
  const noteMoment = useCallback(
    (atMs: number) => {
      lastMs.current = atMs
      onTime(atMs)
    },
    [onTime],
  )
  const goLive = useCallback((afterUs: number | null) => show({ isLive: true, afterUs }), [show])
  const goBack = useCallback((atMs: number) => show({ isLive: false, isPlaying: false, atMs }), [show])
  const linkTo = (atMs: number): string => {
    const q = search.get('q')
    return `${location.origin}/sessions/${session.id}?${new URLSearchParams({ t: String(atMs), ...(q && { q }) })}`
  }

  if (!session.recorded)
    return <Alert title="Not recorded">Another source saw this session; there is nothing to play.</Alert>
  if (shown.isLive)
    return <LiveScreen session={session} words={words} afterUs={shown.afterUs} onBack={goBack} onMoment={noteMoment} />
  if (!isStored) return <NotStored isRunning={isRunning} />
  return (
    <ReplayPane
      // A running session is longer each time it is opened.
      key={shown.opening}
      folder={`/api/sessions/${session.id}/replay`}
      place={session.id}
      startAtMs={shown.atMs}
      isPlaying={shown.isPlaying}
      words={words}
      {...(hits && { hits })}
      {...(isFollowed && { onLive: goLive })}
      linkTo={linkTo}
      onTime={noteMoment}
      ref={pane}
    />
  )
}

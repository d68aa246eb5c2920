import { Loader, Text } from '@mantine/core'
import { useFullscreenElement } from '@mantine/hooks'
import { type Ref, useImperativeHandle, useMemo, useState } from 'react'
import type { KeyAct } from '../replay/keys.ts'
import { beside, type Hit, isHit, type Mark, marksOf } from '../replay/marks.ts'
import { useTick } from '../replay/tick.ts'
import { type Opening, useEnd, useRecording } from '../replay/use-recording.ts'
import { formatOffset } from '../time.tsx'
import { Failure } from './failure.tsx'
import { KeyHelp, useKeys } from './key-help.tsx'
import { ReplayControls, speeds } from './replay-controls.tsx'
import { Screen } from './screen.tsx'
import { SeekBar } from './seek-bar.tsx'

/** Milliseconds of the session, as everywhere outside of the player. */
export type PaneHandle = { playFrom(atMs: number): void; timeMs(): number; isPlaying(): boolean }
export type PaneProps = Pick<Opening, 'folder' | 'place' | 'startAtMs'> & {
  isPlaying?: boolean
  words?: readonly string[]
  hits?: readonly Hit[]
  /** Of a session that goes on: what follows. `afterUs`: of the session, where that was played to its recorded end. */
  onLive?: (afterUs: number | null) => void
  linkTo?: (atMs: number) => string
  onTime?: (atMs: number) => void
  ref?: Ref<PaneHandle>
}

const idleKey = 'bartizan.idle'
const none: readonly never[] = []

/** How it is played, and what was said about it last. */
const useManner = () => {
  const [isIdleShort, setIdleShort] = useState(localStorage.getItem(idleKey) !== 'off')
  const [speed, setSpeed] = useState(1)
  const [isTypedShown, setTypedShown] = useState(true)
  const [isHelpOpen, setHelpOpen] = useState(false)
  const [said, setSaid] = useState('')
  const changeIdle = () => {
    localStorage.setItem(idleKey, isIdleShort ? 'off' : 'on')
    setIdleShort(!isIdleShort)
    setSaid(isIdleShort ? 'Pauses are played in full' : 'Pauses are shortened to 2 s')
  }
  return {
    isIdleShort,
    changeIdle,
    speed,
    setSpeed,
    isTypedShown,
    setTypedShown,
    isHelpOpen,
    setHelpOpen,
    said,
    setSaid,
  }
}

const copied = (link: string): Promise<string> =>
  navigator.clipboard.writeText(link).then(
    () => 'The link is copied',
    () => link,
  )

type Acting = {
  recording: ReturnType<typeof useRecording>
  manner: ReturnType<typeof useManner>
  marks: readonly Mark[]
  toggleFull(): unknown
} & Pick<PaneProps, 'onLive' | 'linkTo'>

const moves = ({ recording: { replay, state }, manner, marks }: Acting, key: KeyAct): void => {
  const toMark = (direction: 1 | -1, isWanted: (mark: Mark) => boolean) => {
    const mark = beside(marks.filter(isWanted), replay.timeMs(), direction)
    manner.setSaid(mark ? `${mark.kind}: ${mark.label}` : 'There is none')
    if (mark) void replay.seek(mark.atMs)
  }
  if (key.act === 'toggle') replay.toggle()
  if (key.act === 'step') void replay.step(1)
  if (key.act === 'back-step') void replay.step(-1)
  if (key.act === 'mark') toMark(1, () => true)
  if (key.act === 'back-mark') toMark(-1, () => true)
  if (key.act === 'hit') toMark(1, isHit)
  if (key.act === 'back-hit') toMark(-1, isHit)
  if (key.act === 'by') void replay.seek(replay.timeMs() + key.ms)
  if (key.act === 'to') void replay.seek(state.durationMs * key.part)
}

/** All that keys and buttons do. */
const obeying = (acting: Acting) => {
  const { recording, manner, onLive, linkTo, toggleFull } = acting
  const changeSpeed = (times: number) => {
    recording.replay.setSpeed(times)
    manner.setSpeed(times)
    manner.setSaid(`${times}x`)
  }
  const obey = (key: KeyAct): void => {
    moves(acting, key)
    const { speed } = manner
    if (key.act === 'faster') changeSpeed(speeds.find((one) => one > speed) ?? speed)
    if (key.act === 'slower') changeSpeed(speeds.findLast((one) => one < speed) ?? speed)
    if (key.act === 'idle') manner.changeIdle()
    if (key.act === 'typed') manner.setTypedShown(!manner.isTypedShown)
    if (key.act === 'full') void toggleFull()
    if (key.act === 'link' && linkTo) void copied(linkTo(Math.floor(recording.sessionMs()))).then(manner.setSaid)
    if (key.act === 'live') onLive?.(null)
    if (key.act === 'help') manner.setHelpOpen(!manner.isHelpOpen)
  }
  return { obey, changeSpeed }
}

/** A recording, played: screen, bar, controls, keys. */
export const ReplayPane = (props: PaneProps) => {
  const { words = none, hits = none, onLive, onTime, ref, isPlaying = false } = props
  const manner = useManner()
  const recording = useRecording({ ...props, isPlaying, isIdleShort: manner.isIdleShort })
  const { replay, state, clock, opened, seek } = recording
  const [marked, setMarked] = useState(0)
  const full = useFullscreenElement()
  const marks = useMemo(() => marksOf(opened?.markers ?? [], hits, clock), [opened, hits, clock])
  const { obey, changeSpeed } = obeying({ recording, manner, marks, toggleFull: full.toggle, ...props })

  useKeys(obey)
  useTick(state.status === 'playing', () => onTime?.(recording.sessionMs()))
  useEnd(state, () => onLive?.(Math.round(clock.toSessionMs(state.durationMs) * 1000)))
  useImperativeHandle(
    ref,
    () => ({
      playFrom: (atMs) => void seek(atMs).then(() => replay.play()),
      timeMs: () => clock.toSessionMs(replay.timeMs()),
      isPlaying: () => state.status === 'playing',
    }),
    [seek, replay, clock, state.status],
  )

  if (recording.error) return <Failure error={recording.error} onRetry={recording.retry} />
  const sessionMs = recording.sessionMs()
  const { durationMs: totalMs = 0, startedAt = null } = opened ?? {}
  return (
    <section
      ref={full.ref}
      className="replay"
      data-typed={manner.isTypedShown}
      data-status={state.status}
      data-testid="player"
      aria-label="Recording"
    >
      {state.error && <Failure error={state.error} />}
      <Screen replay={replay} words={words} onMarked={setMarked} />
      {state.status === 'loading' && <Loader className="screen-loading" aria-label="Loading the recording" />}
      <SeekBar
        atMs={replay.timeMs()}
        durationMs={state.durationMs}
        marks={marks}
        says={`${formatOffset(sessionMs)} of ${formatOffset(totalMs)}`}
        onSeek={(ms) => void replay.seek(ms)}
      />
      <ReplayControls
        {...{ state, sessionMs, totalMs, startedAt, obey, marks }}
        manner={{ ...manner, isFull: full.fullscreen }}
        canLink={props.linkTo !== undefined}
        isLive={onLive !== undefined}
        onSpeed={changeSpeed}
      />
      <Text size="xs" className="replay-said" aria-live="polite">
        {manner.said} {words.length > 0 && (marked > 0 ? `${marked} on this screen` : 'Not on this screen')}
      </Text>
      <KeyHelp opened={manner.isHelpOpen} onClose={() => manner.setHelpOpen(false)} />
    </section>
  )
}

import { Alert, Badge, Button, Group, Text } from '@mantine/core'
import { create, type Player } from 'asciinema-player'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { Session } from '../api.ts'
import { isOthers } from '../replay/keys.ts'
import { formatOffset } from '../time.tsx'
import { useWhy, withWhy } from '../why.ts'
import { terminalLook, useHighlights } from './screen.tsx'

type Seen = { atMs: number; lagMs: number }
const backMs = 5_000
const keys = [' ', 'k', 'ArrowLeft', ',', '[']

const liveUrl = (id: string, afterUs: number | null, why: string | undefined): string => {
  const path = `/api/sessions/${id}/live${afterUs === null ? '' : `?afterUs=${afterUs}`}`
  return new URL(withWhy(path, why), location.href.replace(/^http/, 'ws')).href
}

/** What happens now, in the player's own driver of live streams, which joins with the screen as it is. */
export const LiveScreen = (props: {
  session: Session
  words: readonly string[]
  /** Up to where it was seen as a recording, in microseconds of the session: nothing is shown twice, nothing left out. */
  afterUs: number | null
  /** To the recording, at this moment of the session. */
  onBack(atMs: number): void
  onMoment(atMs: number): void
}) => {
  const { session, words, afterUs, onBack, onMoment } = props
  const element = useRef<HTMLDivElement>(null)
  const player = useRef<Player>(undefined)
  const why = useWhy(session.id)
  const [seen, setSeen] = useState<Seen | null>(null)
  const [failure, setFailure] = useState('')
  const [marked, setMarked] = useState(0)
  const startMs = Date.parse(session.startedAt)
  useHighlights(element, words, setMarked)

  useEffect(() => {
    if (!element.current) return
    const created = create(liveUrl(session.id, afterUs, why), element.current, { ...terminalLook, autoPlay: true })
    player.current = created
    let isOnline = false
    const look = () => {
      const atMs = created.getCurrentTime() * 1000
      if (!Number.isFinite(atMs)) return
      isOnline = true
      onMoment(atMs)
      setFailure('')
      setSeen({ atMs, lagMs: Math.max(0, Date.now() - startMs - atMs) })
    }
    // Of the events of its drivers (3.17.0, src/core.js) the types of the player name some only.
    for (const name of ['output', 'reset']) created.addEventListener(name as 'play', look)
    for (const name of ['loading', 'offline'])
      created.addEventListener(name as 'play', () => isOnline && setFailure('The connection is away.'))
    return () => created.dispose()
  }, [session.id, startMs, why, afterUs, onMoment])

  const back = useCallback(() => {
    const atMs = (player.current?.getCurrentTime() ?? Number.NaN) * 1000
    onBack(Math.max(0, (Number.isFinite(atMs) ? atMs : Date.now() - startMs) - backMs))
  }, [onBack, startMs])
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || isOthers(event.target, event.key)) return
      event.stopPropagation() // the player has keys of its own
      if (!keys.includes(event.key)) return
      event.preventDefault()
      back()
    }
    window.addEventListener('keydown', listen, true)
    return () => window.removeEventListener('keydown', listen, true)
  }, [back])

  return (
    <section className="replay" data-testid="live" data-typed aria-label="Live">
      {failure && (
        <Alert color="orange" mb="xs">
          {failure}
        </Alert>
      )}
      <div ref={element} className="screen" />
      <Group justify="space-between" mt={6}>
        <Group gap="sm">
          <Badge color="red.8" variant="filled" className="badge" leftSection={<span className="live-dot" />}>
            live
          </Badge>
          <Text size="sm" ff="monospace" data-testid="session-clock">
            {seen ? formatOffset(seen.atMs) : '–'}
          </Text>
          <Text size="sm" c="dimmed" data-testid="lag">
            {seen ? `last output came ${(seen.lagMs / 1000).toFixed(1)} s after it was written` : 'waiting for output'}
          </Text>
          <Text size="xs" aria-live="polite">
            {words.length > 0 && (marked > 0 ? `${marked} on this screen` : 'Not on this screen')}
          </Text>
        </Group>
        <Button size="xs" variant="default" onClick={back} title="Space, or ←">
          Pause: back to the recording
        </Button>
      </Group>
    </section>
  )
}

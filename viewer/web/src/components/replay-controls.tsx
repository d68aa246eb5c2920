import { ActionIcon, Button, Group, NativeSelect, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { KeyAct } from '../replay/keys.ts'
import { isHit, type Mark } from '../replay/marks.ts'
import type { ReplayState } from '../replay/replay.ts'
import { formatOffset, formatTime, useZone } from '../time.tsx'

export const speeds = [0.5, 1, 2, 4, 8, 16]

type Props = {
  state: ReplayState
  sessionMs: number
  totalMs: number
  startedAt: string | null // not known yet
  manner: { speed: number; isIdleShort: boolean; isTypedShown: boolean; isFull: boolean }
  marks: readonly Mark[]
  canLink: boolean
  isLive: boolean
  obey(act: KeyAct): void
  onSpeed(times: number): void
}

/** The session's clock, and the one on the wall. */
const Clocks = ({ sessionMs, totalMs, startedAt }: Pick<Props, 'sessionMs' | 'totalMs' | 'startedAt'>) => {
  const { zone, zoneName } = useZone()
  return (
    <Group gap="md" wrap="nowrap" ml={6}>
      <Text size="sm" ff="monospace" data-testid="session-clock" title="Time in the session">
        {formatOffset(sessionMs)} / {formatOffset(totalMs)}
      </Text>
      <Text size="sm" c="dimmed" ff="monospace" visibleFrom="sm" data-testid="wall-clock" title="Time of day">
        {startedAt && `${formatTime(Date.parse(startedAt) + sessionMs, zone)} ${zoneName}`}
      </Text>
    </Group>
  )
}

/** Two opposite corners; few fonts have a sign for it. */
const corners = (
  <svg width="14" height="14" viewBox="0 0 14 14" fill="none" stroke="currentColor" strokeWidth="1.6" aria-hidden>
    <path d="M8.5 1.5h4v4M5.5 12.5h-4v-4" />
  </svg>
)

const Tool = (props: { label: string; sign: ReactNode; isPressed?: boolean; disabled?: boolean; onClick(): void }) => (
  <ActionIcon
    variant={props.isPressed ? 'filled' : 'default'}
    size="md"
    aria-label={props.label}
    title={props.label}
    {...(props.isPressed !== undefined && { 'aria-pressed': props.isPressed })}
    disabled={props.disabled ?? false}
    onClick={props.onClick}
  >
    <span aria-hidden>{props.sign}</span>
  </ActionIcon>
)

const Toggle = (props: { label: string; title: string; isOn: boolean; onClick(): void }) => (
  <Button
    size="xs"
    variant={props.isOn ? 'light' : 'default'}
    aria-pressed={props.isOn}
    onClick={props.onClick}
    title={props.title}
  >
    {props.label}
  </Button>
)

const Transport = ({ state, marks, obey }: Pick<Props, 'state' | 'marks' | 'obey'>) => {
  const isPlaying = state.status === 'playing'
  return (
    <>
      <Tool
        label={isPlaying ? 'Pause (space)' : 'Play (space)'}
        sign={isPlaying ? '❚❚' : '▶'}
        onClick={() => obey({ act: 'toggle' })}
      />
      <Tool label="Step back (,)" sign="‹" onClick={() => obey({ act: 'back-step' })} />
      <Tool label="Step on (.)" sign="›" onClick={() => obey({ act: 'step' })} />
      <Tool
        label="Previous mark ([)"
        sign="⇤"
        disabled={marks.length === 0}
        onClick={() => obey({ act: 'back-mark' })}
      />
      <Tool label="Next mark (])" sign="⇥" disabled={marks.length === 0} onClick={() => obey({ act: 'mark' })} />
    </>
  )
}

const Hits = ({ marks, obey }: Pick<Props, 'marks' | 'obey'>) => {
  const count = marks.filter(isHit).length
  if (count === 0) return null
  return (
    <Group gap={4} wrap="nowrap">
      <Tool label="Previous hit (p)" sign="↑" onClick={() => obey({ act: 'back-hit' })} />
      <Tool label="Next hit (n)" sign="↓" onClick={() => obey({ act: 'hit' })} />
      <Text size="xs">{count === 1 ? '1 hit' : `${count} hits`}</Text>
    </Group>
  )
}

const Manners = ({ state, manner, canLink, isLive, obey, onSpeed }: Props) => (
  <>
    {state.size && (
      <Text size="xs" c="dimmed" ff="monospace" title="Size of the terminal">
        {state.size.cols}×{state.size.rows}
      </Text>
    )}
    <NativeSelect
      size="xs"
      aria-label="Speed"
      value={String(manner.speed)}
      onChange={(event) => onSpeed(Number(event.currentTarget.value))}
      data={speeds.map((times) => ({ value: String(times), label: `${times}x` }))}
    />
    <Toggle
      label="Skip idle"
      title="Pauses longer than 2 s are shortened (s)"
      isOn={manner.isIdleShort}
      onClick={() => obey({ act: 'idle' })}
    />
    <Toggle
      label="Keys"
      title="Shows keys as they are typed (i)"
      isOn={manner.isTypedShown}
      onClick={() => obey({ act: 'typed' })}
    />
    {isLive && (
      <Button size="xs" color="red.8" onClick={() => obey({ act: 'live' })} title="To what happens now (l)">
        Go live
      </Button>
    )}
    {canLink && (
      <Button
        size="xs"
        variant="default"
        onClick={() => obey({ act: 'link' })}
        title="Copies a link to this moment (c)"
      >
        Link
      </Button>
    )}
    <Tool label="Full screen (f)" sign={corners} isPressed={manner.isFull} onClick={() => obey({ act: 'full' })} />
    <Tool label="Keys of the player (?)" sign="?" onClick={() => obey({ act: 'help' })} />
  </>
)

export const ReplayControls = (props: Props) => (
  <Group justify="space-between" gap="xs" mt={6}>
    <Group gap={4} wrap="nowrap">
      <Transport {...props} />
      <Clocks {...props} />
    </Group>
    <Group gap={6}>
      <Hits {...props} />
      <Manners {...props} />
    </Group>
  </Group>
)

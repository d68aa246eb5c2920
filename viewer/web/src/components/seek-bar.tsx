import { useRef } from 'react'
import type { Mark } from '../replay/marks.ts'
import { formatOffset } from '../time.tsx'

const most = 500 // marks that are drawn; keys reach all of them

/** Where playing stands, and what is where; dragged, or clicked. The keys are those of the page. */
export const SeekBar = (props: {
  atMs: number
  durationMs: number
  marks: readonly Mark[]
  says: string
  onSeek(ms: number): void
}) => {
  const { atMs, durationMs, marks, says, onSeek } = props
  const bar = useRef<HTMLDivElement>(null)
  const percent = (ms: number) => `${durationMs > 0 ? Math.min(100, (ms / durationMs) * 100) : 0}%`
  const seekTo = (event: React.PointerEvent) => {
    const box = bar.current!.getBoundingClientRect()
    onSeek(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * durationMs)
  }
  return (
    <div
      ref={bar}
      className="seek-bar"
      role="slider"
      tabIndex={0}
      aria-label="Position"
      aria-valuemin={0}
      aria-valuemax={Math.round(durationMs)}
      aria-valuenow={Math.round(atMs)}
      aria-valuetext={says}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        seekTo(event)
      }}
      onPointerMove={(event) => event.buttons === 1 && seekTo(event)}
    >
      <div className="seek-track">
        <div className="seek-played" style={{ width: percent(atMs) }} />
      </div>
      {marks.slice(0, most).map((mark) => (
        <span
          key={`${mark.kind} ${mark.atMs} ${mark.label}`}
          className="seek-mark"
          data-kind={mark.kind}
          style={{ left: percent(mark.atMs) }}
          title={`${mark.kind} at ${formatOffset(mark.atMs)}: ${mark.label}`}
        />
      ))}
      <div className="seek-knob" style={{ left: percent(atMs) }} />
    </div>
  )
}

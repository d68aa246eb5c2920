import { createContext, type ReactNode, useContext, useState } from 'react'

export type Zone = 'utc' | 'local'
const key = 'bartizan.zone'
const ZoneContext = createContext<{ zone: Zone; setZone(zone: Zone): void }>({ zone: 'utc', setZone: () => {} })
const nameOf = (zone: Zone): string => (zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone)

export const ZoneProvider = ({ children }: { children: ReactNode }) => {
  const [zone, setZone] = useState<Zone>(localStorage.getItem(key) === 'local' ? 'local' : 'utc')
  const change = (next: Zone) => {
    localStorage.setItem(key, next)
    setZone(next)
  }
  return <ZoneContext value={{ zone, setZone: change }}>{children}</ZoneContext>
}
/** `zoneName`: UTC, or as IANA calls the reader's. */
export const useZone = () => {
  const { zone, setZone } = useContext(ZoneContext)
  return { zone, setZone, zoneName: nameOf(zone) }
}

const two = (n: number) => String(n).padStart(2, '0')

/** 2026-11-21 09:05:07, in UTC or in the reader's zone. */
export const formatTime = (at: string | number, zone: Zone): string => {
  const date = new Date(at)
  if (zone === 'utc') return date.toISOString().slice(0, 19).replace('T', ' ')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** What is typed into a datetime-local, which speaks of no zone, as an instant; and back. null, '': none. */
export const instantOf = (typed: string, zone: Zone): string | null => {
  const ms = Date.parse(zone === 'utc' ? `${typed}Z` : typed)
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}
export const typedOf = (instant: string | undefined, zone: Zone): string =>
  instant === undefined || Number.isNaN(Date.parse(instant))
    ? ''
    : formatTime(instant, zone).slice(0, 16).replace(' ', 'T')

/** `at`: RFC 3339, or Unix ms. */
export const Time = ({ at }: { at: string | number }) => {
  const { zone } = useZone()
  return (
    <time dateTime={new Date(at).toISOString()} title={`${formatTime(at, 'utc')} UTC`} style={{ whiteSpace: 'nowrap' }}>
      {formatTime(at, zone)}
    </time>
  )
}

/** 1:02:03 or 2:03; for positions in a session. */
export const formatOffset = (ms: number): string => {
  const total = Math.floor(ms / 1000)
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`
}

/** 3.2 s, 4 min 10 s, 2 h 5 min. */
export const formatDuration = (ms: number): string => {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor(ms / 1000) % 60} s`
  return `${Math.floor(ms / 3_600_000)} h ${Math.floor(ms / 60_000) % 60} min`
}

export const formatBytes = (bytes: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0)
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`
}

import type { AlertReader, CatalogReader } from '#services/catalog/catalog.ts'
import type { Session } from '#services/schema/session.ts'
import type { Mark, ReplayRange } from './replay-plan.ts'

/** A moment worth a look, in session time. */
export type ReplayMarker = { atMs: number; kind: 'alert' | 'transfer' | 'gap' | 'command'; label: string }

type Source = { catalog: Pick<CatalogReader, 'events' | 'commands'> & Pick<AlertReader, 'alerts'> }

const mostAlerts = 500
const mostTransfers = 1_000
const mostCommands = 10_000
const pageOfCommands = 500
const longestLabel = 160

const labelled = (text: string): string =>
  text
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, longestLabel)
    .toWellFormed()

const alertMarkers = async ({ catalog }: Source, { id: sessionId }: Session): Promise<ReplayMarker[]> => {
  const { items } = await catalog.alerts({ sessionId, limit: mostAlerts })
  return items.flatMap(({ sessionId: of, atMs, title }) =>
    atMs === null || of !== sessionId ? [] : [{ atMs, kind: 'alert', label: labelled(title) }],
  )
}

const transferMarkers = async ({ catalog }: Source, session: Session): Promise<ReplayMarker[]> => {
  const { items } = await catalog.events({ kinds: ['file_transfer'], sessionId: session.id, limit: mostTransfers })
  return items.flatMap((event) => {
    if (event.kind !== 'file_transfer') return []
    const atMs = Date.parse(event.at) - Date.parse(session.startedAt)
    const label = labelled(`${event.direction} ${event.path ?? ''} (${event.sizeBytes} bytes, ${event.protocol})`)
    return [{ atMs, kind: 'transfer', label }]
  })
}

const commandMarkers = async ({ catalog }: Source, { id }: Session): Promise<ReplayMarker[]> => {
  const markers: ReplayMarker[] = []
  for (let cursor: string | null | undefined; markers.length < mostCommands && cursor !== null; ) {
    const page = await catalog.commands(id, { limit: pageOfCommands, ...(cursor !== undefined && { cursor }) })
    for (const { atMs, line, startup } of page.items)
      if (!startup) markers.push({ atMs, kind: 'command', label: labelled(line) })
    cursor = page.next
  }
  return markers
}

/** What the recorder knew itself: bytes that are missing, alerts of the source. */
const recordedMarkers = (marks: readonly Mark[]): ReplayMarker[] =>
  marks.map(([atUs, label]) => ({
    atMs: Math.floor(atUs / 1000),
    kind: label.startsWith('gap: ') ? 'gap' : 'alert',
    label: labelled(label),
  }))

/**
 * Of a session, by time, none after its end: alerts, file transfers, what is missing in the recording; with `commands`
 * what was run. At most 500 alerts, 1,000 transfers and some 10,000 commands.
 */
export const replayMarkers = async (
  source: Source,
  session: Session,
  plan: { marks: readonly Mark[]; durationUs: number },
  commands: boolean,
): Promise<ReplayMarker[]> => {
  const found = await Promise.all([
    alertMarkers(source, session),
    transferMarkers(source, session),
    commands ? commandMarkers(source, session) : [],
  ])
  const lastMs = Math.floor(plan.durationUs / 1000)
  return [...found.flat(), ...recordedMarkers(plan.marks)]
    .map((marker) => ({ ...marker, atMs: Math.min(lastMs, Math.max(0, Math.round(marker.atMs))) }))
    .sort((one, other) => one.atMs - other.atMs)
}

/** Those of the range, in its time. */
export const markersIn = (markers: readonly ReplayMarker[], { fromUs, toUs }: ReplayRange): ReplayMarker[] =>
  markers
    .filter(({ atMs }) => atMs * 1000 >= fromUs && atMs * 1000 <= toUs)
    .map((marker) => ({ ...marker, atMs: marker.atMs - fromUs / 1000 }))

import type { Finding, Observed } from '../../rule.ts'
import { plural, span } from '../wording.ts'
import type { KnownAddress, SourceSettings } from './address-history.ts'
import { isSameProvider, type Place } from './place.ts'

/** What was said of a new place, as long as something may be added. `replaces`: the address it seems to follow. */
export type OpenIncident = {
  place: Place
  finding: Finding
  replaces: string | null
  elsewhere: number // logins since then from places of the user's own that are older
  isDecided: boolean
}

/** The engine adds nothing to what was quiet for longer. */
const openMs = 48 * 3_600_000
const maxSessions = 20

export const isOpen = ({ finding }: OpenIncident, timeMs: number): boolean => timeMs - finding.lastEventMs < openMs

const isFrom = (incident: OpenIncident, place: Place): boolean =>
  incident.place.network === place.network || isSameProvider(incident.place, place)

const withAnother = (incident: OpenIncident, { event, timeMs }: Observed): OpenIncident => {
  const { finding } = incident
  const known = finding.sessionIds ?? []
  const sessionIds =
    event.sessionId && known.length < maxSessions && !known.includes(event.sessionId)
      ? [...known, event.sessionId]
      : known
  const firstEventMs = Math.min(finding.firstEventMs, timeMs)
  const lastEventMs = Math.max(finding.lastEventMs, timeMs)
  return { ...incident, finding: { ...finding, sessionIds, count: finding.count + 1, firstEventMs, lastEventMs } }
}

const calmed = (incident: OpenIncident, why: string): OpenIncident => ({
  ...incident,
  isDecided: true,
  finding: {
    ...incident.finding,
    severity: 'info',
    isOver: true,
    explanation: `${incident.finding.explanation} Since then: ${why}.`,
  },
})

const hasSettled = ({ finding, elsewhere }: OpenIncident, settings: SourceSettings): boolean =>
  elsewhere === 0 &&
  finding.count >= settings.settleLogins &&
  finding.lastEventMs - finding.firstEventMs >= settings.settleMs

const grown = (incident: OpenIncident, observed: Observed, settings: SourceSettings): OpenIncident => {
  const next = withAnother(incident, observed)
  const others = observed.origin?.otherUsers ?? 0
  if (others >= settings.peers) return calmed(next, `${others} others came from this address`)
  if (!hasSettled(next, settings)) return next
  const { count, firstEventMs, lastEventMs } = next.finding
  return calmed(
    next,
    `${plural(count, 'login')} from there over ${span(lastEventMs - firstEventMs)}, none from elsewhere`,
  )
}

/** The address that it seemed to follow is in use after all: it was there beside it. */
const besides = (incident: OpenIncident, from: Place): OpenIncident => ({
  ...incident,
  isDecided: true,
  finding: {
    ...incident.finding,
    severity: 'low',
    title: `${incident.finding.title}, beside the usual one`,
    explanation: `${incident.finding.explanation} Since then the user came from ${from.ip} again: the new address did not take its place, it was used beside it.`,
  },
})

/** What another login, from `place`, means for what was said before. The same incident when nothing. */
export const followUp = (
  incident: OpenIncident,
  place: KnownAddress,
  observed: Observed,
  settings: SourceSettings,
): OpenIncident => {
  const isInfo = incident.finding.severity === 'info'
  if (place.ip === incident.place.ip) return isInfo ? incident : grown(incident, observed, settings)
  if (incident.replaces === place.ip && isInfo && !incident.isDecided) return besides(incident, place)
  if (isInfo || place.isShared) return incident
  if (isFrom(incident, place)) return grown(incident, observed, settings)
  return { ...incident, elsewhere: incident.elsewhere + 1 }
}

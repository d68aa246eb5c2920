import type { RuleId } from '#services/schema/alert.ts'
import { aroundAddress } from './address.ts'
import { type Context, isNewAddress, noteBenign } from './context.ts'
import { writeFailure } from './failure.ts'
import { homeAt, journeyAt, type Person } from './model.ts'
import { type Origin, originOf } from './origin.ts'
import type { Random } from './random.ts'
import { type Seen, type Visit, writeVisit } from './session.ts'
import { type Work, workOf } from './work.ts'
import { minuteMs } from './zone.ts'

export type Note = { rule: RuleId | null; class: string; tolerated?: boolean }

const failuresBefore = (
  context: Context,
  random: Random,
  person: Person,
  visit: Visit,
  count: number,
  reason: string,
  gapMs: [number, number],
) => {
  let at = visit.at
  for (let i = 0; i < count; i++) {
    at -= random.int(gapMs[0], gapMs[1])
    writeFailure(random, context.emit, {
      user: person.user,
      ip: visit.ip,
      bastion: visit.bastion,
      at,
      method:
        reason === 'key_rejected'
          ? 'publickey'
          : visit.credential.method === 'password'
            ? 'password'
            : 'keyboard-interactive',
      reason,
      client: visit.credential.client,
    })
  }
  return at
}

/** Mistyped passwords, expired ones, an agent that offers every key it holds. */
const stumble = (
  context: Context,
  random: Random,
  person: Person,
  visit: Visit,
  day: number,
): { notes: Note[]; from: number } => {
  const key = visit.credential.method === 'publickey'
  if (person.traits.manyKeys)
    failuresBefore(context, random, person, visit, random.int(1, 3), 'key_rejected', [150, 900])
  if (context.world.expiryDays.includes(day) && !key && random.chance(0.6)) {
    const from = failuresBefore(
      context,
      random,
      person,
      visit,
      random.int(2, 6),
      random.chance(0.7) ? 'password_expired' : 'bad_password',
      [6000, 50_000],
    )
    return { notes: [{ rule: 'auth-success-after-failures', class: 'password-expiry' }], from }
  }
  if (!random.chance(0.04)) return { notes: [], from: visit.at }
  const from = failuresBefore(
    context,
    random,
    person,
    visit,
    random.weighted([
      [1, 55],
      [2, 25],
      [3, 14],
      [4, 6],
    ]),
    key ? 'key_rejected' : random.pick(['bad_password', 'mfa_denied', 'bad_password']),
    [3000, 40_000],
  )
  return { notes: [{ rule: 'auth-success-after-failures', class: 'typo' }], from }
}

const addressNotes = (context: Context, person: Person, origin: Origin, day: number): Note[] => {
  const before = context.seen.get(person.user)
  const near = before
    ? [...before].some(
        (ip) =>
          origin.ip.includes('.') &&
          ip.includes('.') &&
          aroundAddress(ip, 24).base === aroundAddress(origin.ip, 24).base,
      )
    : false
  if (!isNewAddress(context, person.user, origin.ip)) return []
  const rule = 'new-source-ip'
  if (origin.kind !== 'home')
    return [
      { rule, class: origin.kind === 'office' ? 'office-range' : origin.kind === 'vpn' ? 'vpn-pool' : origin.kind },
    ]
  if (person.traits.ipv6) return [{ rule, class: 'home-ipv6' }]
  if (near) return [{ rule, class: 'home-same-network' }]
  return [{ rule, class: homeAt(person, day).isp === person.isp ? 'home-same-isp' : 'home-new-isp' }]
}

const standingNotes = (person: Person, day: number, at: number): Note[] => {
  const notes: Note[] = []
  if (day >= person.joinedDay && day < person.joinedDay + 14) notes.push({ rule: null, class: 'new-joiner' })
  if (person.zones.some(({ fromDay }) => fromDay > 0 && day >= fromDay && day < fromDay + 21))
    notes.push({ rule: 'off-hours-login', class: 'zone-move' })
  if (person.credentials.slice(1).some(({ from }) => at >= from && at < from + 7 * 86_400_000))
    notes.push({ rule: null, class: 'new-laptop-or-client' })
  if (journeyAt(person, day))
    notes.push({ rule: 'off-hours-login', class: journeyAt(person, day)?.listed ? 'travel-listed' : 'travel-unlisted' })
  return notes
}

/** One connection of ordinary life, with everything about it that might tempt a rule. */
export const live = (
  context: Context,
  random: Random,
  person: Person,
  day: number,
  at: number,
  extra: Note[] = [],
  away = false,
  work?: (origin: Origin) => Work | null,
): Seen | null => {
  const origin = originOf(context, random, person, day, away)
  const done = work ? work(origin) : workOf(context, random, person, at, origin)
  if (!done) return null
  const { visit } = done
  const stumbled = stumble(context, random, person, visit, day)
  const notes: Note[] = [
    ...done.notes,
    ...stumbled.notes,
    ...addressNotes(context, person, origin, day),
    ...standingNotes(person, day, at),
    ...extra,
  ]
  if (random.chance(0.004)) {
    visit.startLateMs = random.int(2, 9) * minuteMs
    notes.push({ rule: 'recording-gap', class: 'late-session-start' })
  }
  if (person.traits.exempt) {
    Object.assign(visit, { start: 'unrecorded', end: 'unrecorded', commands: [] })
    notes.push({ rule: 'recording-gap', class: 'exempt-user', tolerated: context.directory === 'none' })
  }
  const seen = writeVisit(random, context.emit, visit)
  for (const { rule, class: name, tolerated = false } of notes)
    noteBenign(context, { rule, class: name, user: person.user, ip: visit.ip, bastion: visit.bastion, tolerated }, [
      { ...seen, fromMs: Math.min(seen.fromMs, stumbled.from) },
    ])
  return seen
}

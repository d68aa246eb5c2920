import type { Context } from './context.ts'
import { isHoliday } from './holidays.ts'
import { live, type Note } from './life.ts'
import { journeyAt, type Person, zoneAt } from './model.ts'
import type { Random } from './random.ts'
import { worksOn } from './world.ts'
import { isWeekend, toUtc, weekday } from './zone.ts'

/** More in the morning and after lunch than at the edges. */
const minuteIn = (random: Random, from: number, to: number) => {
  const part = random.weighted([
    [0.2, 3],
    [0.35, 3],
    [0.65, 3],
    [0.85, 2],
  ])
  return Math.min(to, Math.max(from, from + (to - from) * random.normal(part, 0.13)))
}

const several = (random: Random, mean: number) =>
  Math.max(0, Math.round(random.logNormal(mean, 0.45) + random.between(-0.5, 0.5)))

const shiftDay = (context: Context, random: Random, person: Person, day: number) => {
  const kind = person.shifts.get(day)
  if (!kind) return
  const from = { early: 360, late: 840, night: 1320 }[kind]
  const notes: Note[] = [{ rule: 'off-hours-login', class: person.swapped.has(day) ? 'shift-swap' : `shift-${kind}` }]
  for (let i = 0; i < several(random, person.sessionsPerDay); i++)
    live(context, random, person, day, toUtc(zoneAt(person, day), day, random.between(from + 3, from + 465)), notes)
}

const officeDay = (context: Context, random: Random, person: Person, day: number) => {
  const journey = journeyAt(person, day)
  if (journey && (day === journey.fromDay || isWeekend(day))) return
  const zone = journey ? journey.zone : zoneAt(person, day)
  const notes: Note[] = []
  if (person.traits.nightOwl) notes.push({ rule: 'off-hours-login', class: 'night-owl' })
  if (person.traits.earlyBird) notes.push({ rule: 'off-hours-login', class: 'early-bird' })
  for (let i = 0; i < several(random, person.sessionsPerDay); i++)
    live(context, random, person, day, toUtc(zone, day, minuteIn(random, person.startMinute, person.endMinute)), notes)
  if (!journey && random.chance(0.018))
    live(
      context,
      random,
      person,
      day,
      toUtc(zone, day, random.between(1150, 1345)),
      [{ rule: 'off-hours-login', class: 'late-evening' }],
      true,
    )
}

const freeDay = (context: Context, random: Random, person: Person, day: number) => {
  if (person.leave.has(day) || journeyAt(person, day) || person.traits.shift) return
  const zone = zoneAt(person, day)
  const once = (name: string, from: number, to: number) =>
    live(
      context,
      random,
      person,
      day,
      toUtc(zone, day, random.between(from, to)),
      [{ rule: 'off-hours-login', class: name }],
      true,
    )
  if (isHoliday(person.country, day) && !isWeekend(day)) {
    if (random.chance(0.05)) once('holiday-work', 560, 1020)
  } else if (person.traits.weekender) {
    if (random.chance(0.5)) for (let i = 0; i < random.int(1, 3); i++) once('weekend-worker', 600, 1230)
  } else if (weekday(day) === 6 && random.chance(0.007)) once('odd-saturday', 540, 1080)
}

const onCallDay = (context: Context, random: Random, person: Person, day: number) => {
  const listed = person.onCallDays.get(day)
  if (listed === undefined || person.leave.has(day) || journeyAt(person, day)) return
  const zone = zoneAt(person, day)
  const note: Note = { rule: 'off-hours-login', class: listed ? 'on-call-listed' : 'on-call-unlisted' }
  const page = (minute: number) => live(context, random, person, day, toUtc(zone, day, minute), [note], true)
  if (random.chance(0.32)) {
    const minute = random.between(0, 330)
    page(minute)
    if (random.chance(0.4)) page(minute + random.between(15, 60))
  }
  if (isWeekend(day) && random.chance(0.5)) page(random.between(540, 1400))
}

export const liveDay = (context: Context, random: Random, person: Person, day: number) => {
  if (day < person.joinedDay || (person.leftDay !== null && day >= person.leftDay)) return
  onCallDay(context, random, person, day)
  if (!worksOn(person, day)) return freeDay(context, random, person, day)
  return person.traits.shift ? shiftDay(context, random, person, day) : officeDay(context, random, person, day)
}

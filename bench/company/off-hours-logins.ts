import type { Context } from './context.ts'
import { isHoliday } from './holidays.ts'
import type { Person } from './model.ts'
import { findSlot, plantVisit, quietVisit, type Variants } from './planting.ts'
import type { Random } from './random.ts'
import { toUtc, weekday } from './zone.ts'

const dayWorker = ({ traits, zones }: Person) =>
  !traits.shift && !traits.onCall && !traits.nightOwl && !traits.earlyBird && !traits.weekender && zones.length === 1
const outsideMigration = (context: Context) => (person: Person, day: number) =>
  !context.world.migration.days.includes(day) || !context.world.migration.users.includes(person.user)

const offHours =
  (
    minute: (random: Random) => number,
    suits: (person: Person) => boolean,
    fits: (person: Person, day: number) => boolean,
  ) =>
  (context: Context, random: Random, variant: string): boolean => {
    const slot = findSlot(context, random, {
      suits,
      works: false,
      fits: (person, day) => fits(person, day) && !person.leave.has(day) && outsideMigration(context)(person, day),
    })
    if (!slot) return false
    const visit = quietVisit(context, random, slot, toUtc(slot.zone, slot.day, minute(random)), 'home')
    if (!visit) return false
    return plantVisit(context, random, 'off-hours-login', variant, visit)
  }

const isWeeknight = (day: number) => weekday(day) >= 2 && weekday(day) <= 5 // the night that leads into Tuesday to Friday
const isHolidayOf = (person: Person, day: number) =>
  isHoliday(person.country, day) && weekday(day) !== 0 && weekday(day) !== 6

export const offHoursVariants: Variants = {
  weeknight: {
    count: 10,
    plant: offHours(
      (random) => random.between(125, 295),
      dayWorker,
      (person, day) => isWeeknight(day) && !isHoliday(person.country, day),
    ),
  },
  sunday: {
    count: 5,
    plant: offHours(
      (random) => (random.chance(0.5) ? random.between(20, 300) : random.between(780, 1390)),
      dayWorker,
      (_, day) => weekday(day) === 0,
    ),
  },
  'holiday-night': {
    count: 3,
    plant: (context, random, variant) =>
      offHours((r) => r.between(90, 300), dayWorker, isHolidayOf)(context, random, variant) ||
      offHours(
        (r) => r.between(90, 300),
        dayWorker,
        (_, day) => isWeeknight(day),
      )(context, random, variant),
  },
  'night-owl-before-dawn': {
    count: 2,
    plant: (context, random, variant) =>
      offHours(
        (r) => r.between(225, 330),
        ({ traits }) => traits.nightOwl,
        (_, day) => isWeeknight(day),
      )(context, random, variant) ||
      offHours(
        (r) => r.between(125, 295),
        dayWorker,
        (_, day) => isWeeknight(day),
      )(context, random, variant),
  },
}

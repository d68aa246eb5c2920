import type { Person } from './model.ts'
import type { Random } from './random.ts'
import { weekday } from './zone.ts'

type Quarter = { firstDay: number; days: number }

/** Weeks of early, late and night; now and then two swap a day and nobody writes it down. */
export const planShifts = (random: Random, people: Person[], { firstDay, days }: Quarter) => {
  const kinds = ['early', 'late', 'night'] as const
  const workers = people.filter(({ traits }) => traits.shift)
  workers.forEach((person, index) => {
    for (let day = firstDay - 1; day < firstDay + days; day++) {
      const week = Math.floor((day - firstDay + 7) / 7)
      if ((day + index * 2) % 7 < 5) person.shifts.set(day, kinds[(week + index) % 3]!)
    }
  })
  for (let i = 0; i < (workers.length * days) / 40; i++) {
    const [a, b] = random.sample(workers, 2)
    const day = firstDay + random.int(10, days - 2)
    const kind = b?.shifts.get(day)
    if (!a || !b || !kind || a.shifts.has(day)) continue
    b.shifts.delete(day)
    a.shifts.set(day, kind)
    a.swapped.add(day)
    b.swapped.add(day)
  }
}

export const planOnCall = (random: Random, people: Person[], { firstDay, days }: Quarter) => {
  const pool = people
    .filter(({ traits, leftDay, joinedDay }) => traits.onCall && leftDay === null && joinedDay < firstDay)
    .slice(0, 9)
  for (const person of people) person.traits.onCall = pool.includes(person)
  if (pool.length === 0) return
  const monday = firstDay - ((weekday(firstDay) + 6) % 7)
  for (let week = 0; monday + week * 7 < firstDay + days; week++) {
    for (const person of [pool[week % pool.length], pool[(week + 4) % pool.length]]) {
      const listed = random.chance(0.85)
      for (let day = monday + week * 7; day < monday + week * 7 + 7; day++) person?.onCallDays.set(day, listed)
    }
  }
}

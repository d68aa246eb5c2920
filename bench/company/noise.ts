import { type Context, noteBenign } from './context.ts'
import { writeFailure } from './failure.ts'
import { attackClientOf, strangeNames } from './names.ts'
import { anywhere } from './planting.ts'
import type { Random } from './random.ts'
import { dayMs, minuteMs } from './zone.ts'

/** The internet knocks: names nobody has; now and then root, or one real name among many. */
export const scan = (context: Context, random: Random, day: number) => {
  const { world, emit } = context
  const doors = world.bastions.filter(({ internetFacing }) => internetFacing).map(({ name }) => name)
  const real = new Set([...world.people, ...world.services].map(({ user }) => user))
  const staff = [...real]
  for (let i = 0; i < random.int(25, 55); i++) {
    const ip = anywhere(random)
    const bastion = random.pick(doors)
    const client = attackClientOf(random)
    const names = strangeNames(random, Math.min(400, Math.ceil(random.logNormal(9, 1.1))), real)
    const rooted = names.length >= 15 && random.chance(0.3)
    const named = names.length >= 15 && random.chance(0.12)
    if (rooted) for (let j = 0; j < random.int(1, 3); j++) names[random.int(0, names.length - 1)] = 'root'
    if (named) names[random.int(0, names.length - 1)] = random.pick(staff)
    const from = day * dayMs + random.next() * dayMs
    let at = from
    for (const user of names) {
      at += random.logNormal(12_000, 1.2)
      const exists = real.has(user) || user === 'root'
      writeFailure(random, emit, {
        user,
        ip,
        bastion,
        at,
        method: 'password',
        reason: exists ? 'bad_password' : 'invalid_user',
        client,
      })
    }
    const name = named ? 'scanner-with-real-name' : rooted ? 'scanner-with-root' : 'scanner'
    noteBenign(context, { rule: 'auth-failures', class: name, ip, bastion }, [], [from, at + minuteMs])
  }
}

import type { Role, Traits, World } from './model.ts'
import type { Random } from './random.ts'

export const roleOf = (random: Random, profile: World['profile']): Role =>
  random.weighted<Role>([
    ['developer', 40],
    ['operations', profile === 'ops' ? 34 : 20],
    ['database', 8],
    ['finance', 8],
    ['support', 12],
    ['security', 4],
    ['data', 8],
  ])

export const traitsOf = (random: Random, role: Role, profile: World['profile']): Traits => {
  const ops = role === 'operations'
  const technical = role === 'developer' || ops || role === 'data'
  const shift = (ops || role === 'support') && random.chance({ eu: 0.06, sun: 0.12, ops: 0.65 }[profile])
  const sudoDuty =
    ops ||
    ((role === 'database' || role === 'security') && random.chance(0.8)) ||
    (role === 'developer' && random.chance(0.2))
  return {
    shift,
    nightOwl: !shift && random.chance(0.06),
    earlyBird: !shift && random.chance(0.07),
    weekender: !shift && random.chance(0.06),
    onCall: !shift && (ops || role === 'database') && random.chance(0.55),
    sudoDuty,
    sudoShell: sudoDuty && random.chance(ops ? 0.45 : 0.2),
    logCopier: technical && random.chance(0.5),
    bigCopier: technical && random.chance(0.25),
    tailer: technical && random.chance(0.3),
    deployer: role === 'developer' && random.chance(0.35),
    smallSftp: random.chance(0.35),
    gitUser: role === 'developer' && random.chance(0.6),
    forwarder: technical && random.chance(0.2),
    manyKeys: random.chance(0.04),
    mobile: random.chance(0.3),
    vpnUser: random.chance(0.4),
    ipv6: random.chance(0.08),
    exempt: false,
  }
}

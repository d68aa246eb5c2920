/** A team that exists nowhere. Addresses are those that documents may use (RFC 5737). */
export type Member = {
  user: string
  uid: number
  role: string
  zone: string
  startHour: number // local
  ip: string
  host: string
  fingerprint: string
  isAdmin: boolean
}

const member = (n: number, user: string, role: string, zone: string, startHour: number, isAdmin = false): Member => ({
  user,
  uid: 1_001 + n,
  role,
  zone,
  startHour,
  ip: `192.0.2.${20 + n}`,
  host: `${['web', 'db', 'app'][n % 3]}-${1 + (n % 2)}`,
  fingerprint: `SHA256:${Buffer.from(`demo key of ${user}`.padEnd(32, '.')).toString('base64').replace(/=+$/, '')}`,
  isAdmin,
})

export const team: readonly Member[] = [
  member(0, 'maria', 'developer', 'Europe/Berlin', 9),
  member(1, 'tom', 'developer', 'Europe/London', 9),
  member(2, 'li', 'database', 'Europe/Berlin', 8),
  member(3, 'ana', 'operator', 'Europe/Madrid', 9, true),
  member(4, 'joe', 'contractor', 'Europe/London', 10),
  member(5, 'nadia', 'developer', 'Europe/Berlin', 9),
]
export const memberOf = (user: string): Member => team.find((one) => one.user === user)!

export const bastion = 'demo-bastion'
export const bastionIp = '203.0.113.5'

export const directory = {
  policy: { recordingRequired: true },
  people: team.map(({ user, role, zone }) => ({ user, role, zone, accountType: 'human', schedule: 'office' })),
  bastions: [{ name: bastion, internetFacing: true }],
}

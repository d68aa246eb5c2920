import type { AuthorizedKey } from '../read/authorized-keys.ts'
import { type Check, isWorse, named, type Status, worstOf } from '../verdict.ts'
import { aboutPeople } from './key-facts.ts'

const leastRsaBits = 2048
const goodRsaBits = 3072 // 128 bits of strength (NIST SP 800-57 part 1, table 2)

const strengthOf = ({ type, bits }: AuthorizedKey): Status => {
  if (type === 'ssh-dss') return 'fail'
  if (type !== 'ssh-rsa' || bits >= goodRsaBits) return 'ok'
  return bits < leastRsaBits ? 'fail' : 'warn'
}

export const keyStrength: Check = {
  id: 'key-strength',
  about: 'a key is too weak: DSA, or RSA of fewer than 2048 bits (`warn`: fewer than 3072)',
  fix: 'let its owner make a new one (ssh-keygen -t ed25519, or ed25519-sk in a token) and replace the old line in authorized_keys',
  judge: (view) =>
    aboutPeople(view, ({ user, keys }) => {
      const weak = keys.filter((key) => isWorse(strengthOf(key), 'ok'))
      if (weak.length === 0) return null
      const facts = weak.map(({ type, bits, fingerprint }) => ({ type, bits, fingerprint }))
      return { user, status: worstOf(weak.map(strengthOf)), detail: named(facts, 'keys') }
    }),
}

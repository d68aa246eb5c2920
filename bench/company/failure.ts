import type { Random } from './random.ts'
import type { Emit } from './stream.ts'

type Failure = {
  user: string
  ip: string
  bastion: string
  at: number
  method: string
  reason: string
  fingerprint?: string | null
  client: string
}

/** One failed attempt to log in. */
export const writeFailure = (random: Random, emit: Emit, failure: Failure) => {
  const { user, ip, bastion, at, method, reason, fingerprint = null, client } = failure
  emit({
    kind: 'login_failed',
    at,
    source: 'openssh',
    bastion,
    user,
    sourceIp: ip,
    sourcePort: random.int(1025, 65535),
    target: bastion,
    outcome: 'failure',
    method,
    reason,
    keyFingerprint: fingerprint,
    clientVersion: client,
  })
}

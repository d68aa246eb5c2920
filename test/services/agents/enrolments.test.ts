import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createEnrolmentCodes } from '#services/agents/enrolment-codes.ts'
import { createEnrolments } from '#services/agents/enrolments.ts'
import { BartizanError } from '#services/errors.ts'
import { openAuthority } from '#services/pki/authority.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { newAgentKey } from '#test/helpers/tls-receiver.ts'
import { openState, settableClock } from '../access/state-for-test.ts'

const dayMs = 24 * 3_600_000

const setUp = async (t: ExecutionContext) => {
  const { state } = await openState(t)
  const clock = settableClock(Date.now())
  const authority = await openAuthority(join(await temporaryFolder(t), 'pki'))
  const certify = async (bastion = 'b1') =>
    new X509Certificate(await authority.issueForAgent(bastion, newAgentKey().publicKey, 30))
  return { state, clock, certify, enrolments: createEnrolments({ state, clock }) }
}

test('another process refuses what was revoked within five seconds', async (t) => {
  const { state, clock, certify, enrolments } = await setUp(t)
  const other = createEnrolments({ state, clock })
  const certificate = await certify()
  await enrolments.add('b1', certificate, 0)
  t.like(await other.verify(certificate), { role: 'ingest', bastion: 'b1' })
  t.is(await enrolments.revoke('b1'), 1)
  await t.throwsAsync(enrolments.verify(certificate), { message: /was revoked/ })
  clock.advance(5_001)
  await t.throwsAsync(other.verify(certificate), { message: /was revoked/ })
})

test('who got a code before a revocation gets no certificate after it', async (t) => {
  const { certify, enrolments } = await setUp(t)
  const [before, certificate] = [await enrolments.revocations('b1'), await certify()]
  await enrolments.revoke('b1')
  await t.throwsAsync(enrolments.add('b1', certificate, before), { code: 'BTZ_AUTH_REQUIRED' })
  await enrolments.add('b1', certificate, await enrolments.revocations('b1'))
  t.like(await enrolments.verify(certificate), { bastion: 'b1' })
})

test('a certificate ends with its time, also where it was good a moment ago', async (t) => {
  const { clock, certify, enrolments } = await setUp(t)
  const certificate = await certify()
  await enrolments.add('b1', certificate, 0)
  await enrolments.verify(certificate)
  clock.advance(31 * dayMs)
  await t.throwsAsync(enrolments.verify(certificate), { message: /has expired/ })
})

test('certificates that are asked for and never used are bounded, and used ones make room', async (t) => {
  const { certify, enrolments } = await setUp(t)
  const certificates = await Promise.all(Array.from({ length: 17 }, () => certify()))
  for (const certificate of certificates.slice(0, 16)) await enrolments.add('b1', certificate, 0)
  await t.throwsAsync(enrolments.add('b1', certificates[16]!, 0), { code: 'BTZ_TOO_MANY_REQUESTS' })
  await enrolments.verify(certificates[15]!)
  await enrolments.add('b1', certificates[16]!, 0)
  await t.throwsAsync(enrolments.verify(certificates[14]!), { message: /was revoked/ })
})

test('while the state store is away, an agent that was good goes on for an hour, and one that is new waits', async (t) => {
  const { state, clock, certify } = await setUp(t)
  let isAway = false
  const get: typeof state.get = async (key) => {
    if (isAway) throw new BartizanError('BTZ_UNAVAILABLE', 'away')
    return state.get(key)
  }
  const enrolments = createEnrolments({ state: { ...state, get }, clock })
  const [known, unknown] = [await certify(), await certify('b2')]
  await enrolments.add('b1', known, 0)
  await enrolments.verify(known)
  isAway = true
  clock.advance(60_000)
  t.like(await enrolments.verify(known), { bastion: 'b1' })
  await t.throwsAsync(enrolments.verify(unknown), { code: 'BTZ_UNAVAILABLE' })
  clock.advance(3_600_000)
  await t.throwsAsync(enrolments.verify(known), { code: 'BTZ_UNAVAILABLE' })
})

test('the store of codes holds no code, and a revocation takes the open ones', async (t) => {
  const { state, clock } = await setUp(t)
  const codes = createEnrolmentCodes({ state, clock })
  const { code } = await codes.issue('b1', 60_000, 'ann')
  t.false(JSON.stringify(await state.list('', { limit: 100 })).includes(code))
  await codes.revoke('b1')
  t.is(await codes.redeem('b1', code), null)
})

test('codes of one bastion are bounded, and old ones make room; a clock set back makes none good again', async (t) => {
  const { state, clock } = await setUp(t)
  const codes = createEnrolmentCodes({ state, clock })
  const { code } = await codes.issue('b1', 60_000, 'ann')
  for (let at = 1; at < 20; at++) await codes.issue('b1', 60_000, 'ann')
  await t.throwsAsync(codes.issue('b1', 60_000, 'ann'), { code: 'BTZ_TOO_MANY_REQUESTS' })
  clock.advance(-3_600_000)
  t.is(await codes.redeem('b1', code), null)
  clock.advance(3_600_000 + 60_000)
  t.is(await codes.redeem('b1', code), null)
  t.truthy(await codes.issue('b1', 60_000, 'ann'))
})

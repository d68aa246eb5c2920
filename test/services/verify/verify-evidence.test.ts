import test from 'ava'
import type { Checked, Finding } from '#services/verify/finding.ts'
import type { Scope } from '#services/verify/scope.ts'
import type { ContentKeys } from '#services/verify/v0/session.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import { type EvidenceCorpus, evidenceCorpus } from '#test/helpers/evidence-corpus.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { mapSource } from '#test/helpers/map-source.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

test.after.always(closeSharedCatalog)

const everything = { prefix: 'evidence/' }
const verified = async (corpus: EvidenceCorpus, keys: ContentKeys | null, scope: Scope = everything, locks = false) => {
  const findings: Finding[] = []
  const checked: Checked[] = []
  const source = { ...mapSource(corpus.objects), locks }
  for await (const report of verifyEvidence(source, scope, keys)) {
    if (report.type === 'finding') findings.push(report.finding)
    else if (report.type === 'checked') checked.push(report.checked)
  }
  return { findings, checked }
}
const whats = (findings: Finding[]) => [...new Set(findings.map(({ verdict, what }) => `${verdict} ${what}`))]

test('what the recorder stored is good at both levels, and its batches, masked places and signers are counted', async (t) => {
  const corpus = await evidenceCorpus(t, seededRandom(7))
  const sealed = await verified(corpus, null)
  t.deepEqual(sealed.findings, [])
  t.is(
    sealed.checked.reduce((sum, { objects }) => sum + objects, 0),
    corpus.objects.size,
  )
  const content = await verified(corpus, corpus.keys)
  t.deepEqual(content.findings, [])
  const [several, small, resumed] = corpus.sessions.map(({ sessionId }) =>
    content.checked.find((each) => each.sessionId === sessionId),
  )
  t.like(small, { batches: 12, masked: 9, objects: 2 })
  t.is(several?.signers.length, 1)
  t.deepEqual(
    resumed?.signers.map(({ keyId }) => keyId),
    [corpus.agent.registered().keyId, corpus.next.registered().keyId],
  )
})

test('one session is found by its id, and what is not there is said to be missing', async (t) => {
  const corpus = await evidenceCorpus(t, seededRandom(8))
  const { sessionId, prefix } = corpus.sessions[2]!
  const { findings, checked } = await verified(corpus, corpus.keys, { sessionId })
  t.deepEqual(findings, [])
  t.deepEqual(
    checked.map((each) => each.prefix),
    [prefix],
  )
  const none = await verified(corpus, null, { sessionId: sessionId.replace(/.{12}$/, '000000000000') })
  t.deepEqual(whats(none.findings), ['incomplete nothing'])
})

test('keys decide what can be told: erased, unknown agents, revoked before and after they signed', async (t) => {
  const corpus = await evidenceCorpus(t, seededRandom(9))
  const { sessionId } = corpus.sessions[1]!
  const asked = async (keys: Partial<ContentKeys>) =>
    whats((await verified(corpus, { ...corpus.keys, ...keys }, { sessionId })).findings)
  const agent = (more: object) => async () => [corpus.agent.registered(more)]
  t.deepEqual(await asked({ keyOf: async () => ({ what: 'erased', detail: 'destroyed' }) }), ['unknown erased'])
  t.deepEqual(await asked({ agentKeys: async () => [] }), ['unknown signer-unknown', 'unknown unsigned'])
  t.deepEqual(await asked({ agentKeys: async () => [corpus.next.registered()] }), [
    'tampered signer',
    'unknown unsigned',
  ])
  t.deepEqual(await asked({ agentKeys: agent({ revokedAt: '2027-01-01T00:00:00.000Z' }) }), [])
  t.deepEqual(await asked({ agentKeys: agent({ revokedAt: '2025-01-01T00:00:00.000Z' }) }), [
    'tampered signer-revoked',
    'unknown unsigned',
  ])
  t.deepEqual(await asked({ agentKeys: agent({ purpose: 'import' }) }), [])
})

test('in a store that locks, what is not locked is told of each object', async (t) => {
  const corpus = await evidenceCorpus(t, seededRandom(10))
  const { findings } = await verified(corpus, null, everything, true)
  t.deepEqual(whats(findings), ['tampered unlocked'])
  t.deepEqual(findings.map(({ where }) => where.key).sort(), [...corpus.objects.keys()].sort())
})

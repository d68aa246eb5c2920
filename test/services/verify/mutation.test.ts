import { generateKeyPairSync } from 'node:crypto'
import test from 'ava'
import type { Finding, Level } from '#services/verify/finding.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import { type Alteration, createAlterations } from '#test/helpers/evidence-alterations.ts'
import { type EvidenceCorpus, evidenceCorpus, mapSource } from '#test/helpers/evidence-corpus.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { fuzzSeed } from '#test/helpers/mutated-bytes.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

test.after.always(closeSharedCatalog)

const perClass = Math.ceil(Number(process.env.TEST_MUTATIONS ?? 360) / 9)
const levels: Level[] = ['sealed', 'content']

const found = async (objects: Map<string, Uint8Array>, prefix: string, level: Level, corpus: EvidenceCorpus) => {
  const findings: Finding[] = []
  for await (const report of verifyEvidence(mapSource(objects), { prefix }, level === 'content' ? corpus.keys : null))
    if (report.type === 'finding') findings.push(report.finding)
  return findings
}

const isLocated = (findings: Finding[], { keys, frame }: Alteration, level: Level): boolean =>
  findings.some(
    ({ where }) => keys.includes(where.key) && (level === 'sealed' || frame === undefined || where.frame === frame),
  )

/** What is wrong with what was found; null when all is right. */
const fault = (findings: Finding[], alteration: Alteration, level: Level): string | null => {
  const shown = () => `${alteration.name}, level ${level}: ${JSON.stringify(findings.slice(0, 5))}`
  if (!alteration.levels.includes(level)) return findings.length === 0 ? null : `seen, against expectation: ${shown()}`
  if (findings.length === 0) return `not seen: ${shown()}`
  return isLocated(findings, alteration, level) ? null : `not located: ${shown()}`
}

test('every alteration of stored sessions is flagged and located by each level that can see it, and nothing else is', async (t) => {
  const random = seededRandom(fuzzSeed(t.log))
  const corpus = await evidenceCorpus(t, random)
  for (const level of levels)
    t.deepEqual(await found(corpus.objects, 'evidence/', level, corpus), [], 'false alarm on the intact corpus')
  const alterations = createAlterations(corpus, generateKeyPairSync('ed25519').privateKey, random)
  for (const [name, alter] of Object.entries(alterations)) {
    const counts = { sealed: 0, content: 0 }
    const faults: string[] = []
    for (let count = 0; count < perClass; count++) {
      const alteration = alter()
      for (const level of levels) {
        const findings = await found(alteration.objects, alteration.prefix, level, corpus)
        const wrong = fault(findings, alteration, level)
        if (wrong !== null) faults.push(wrong)
        else if (findings.length > 0) counts[level]++
      }
    }
    t.deepEqual(faults.slice(0, 3), [], `${name}, ${faults.length} faults`)
    t.log(
      `${name.padEnd(16)} ${perClass} altered, flagged and located: sealed ${counts.sealed}, content ${counts.content}`,
    )
  }
})

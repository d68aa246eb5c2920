import { PutObjectCommand } from '@aws-sdk/client-s3'
import test from 'ava'
import { pino } from 'pino'
import { systemClock } from '#services/clock.ts'
import { openS3EvidenceReader } from '#services/recordings/s3-evidence-reader.ts'
import type { Checked, Finding } from '#services/verify/finding.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { evidenceCorpus } from '#test/helpers/evidence-corpus.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { openS3Store, rawS3, type S3Settings, s3Bucket } from '#test/helpers/open-s3-recording-store.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

test.after.always(closeSharedCatalog)

const retainUntil = new Date('2031-01-01T00:00:00Z')

const verified = async (config: S3Settings) => {
  const tampered: string[] = []
  const reader = await openS3EvidenceReader(config, systemClock, pino({ level: 'silent' }), ({ key }) =>
    tampered.push(key),
  )
  const findings: Finding[] = []
  const checked: Checked[] = []
  for await (const report of verifyEvidence({ ...reader, locks: true }, { prefix: 'evidence/' }, null)) {
    if (report.type === 'finding') findings.push(report.finding)
    else if (report.type === 'checked') checked.push(report.checked)
  }
  await reader.close()
  return { findings, checked, tampered: [...new Set(tampered)] }
}

onServices(test, (services) => {
  test('in a bucket the lock of every version is looked at: one put over, and one without a lock, are told', async (t) => {
    const { objects, sessions } = await evidenceCorpus(t, seededRandom(12))
    const config = await s3Bucket(t, services)
    const store = await openS3Store(config)
    for (const [key, bytes] of objects) await store.put(key, bytes, { retainUntil })
    await store.close()

    const good = await verified(config)
    t.deepEqual(good.findings, [])
    t.deepEqual(good.tampered, [])
    t.is(good.checked.length, sessions.length)
    for (const each of good.checked) t.is(each.retainUntil, retainUntil.toISOString())

    const raw = rawS3(t, services)
    const over = `${sessions[0]!.prefix}000000000000`
    const beside = `${sessions[0]!.prefix}000000000500`
    for (const Key of [over, beside])
      await raw.send(new PutObjectCommand({ Bucket: config.bucket, Key, Body: 'forged' }))
    const { findings, tampered } = await verified(config)
    t.true(tampered.includes(over))
    t.true(findings.some(({ what, where }) => what === 'unlocked' && where.key === beside))
    t.deepEqual([...new Set(findings.map(({ where }) => where.key))], [beside])
  })
})

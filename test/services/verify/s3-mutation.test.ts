import test from 'ava'
import { inS3, s3Disks } from '#test/helpers/altered-stores.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { loggedEvidence } from '#test/helpers/logged-evidence.ts'
import { fuzzSeed } from '#test/helpers/mutated-bytes.ts'
import { createMutationRun } from '#test/helpers/mutation-run.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

test.after.always(closeSharedCatalog)

const perClass = Math.ceil(Number(process.env.TEST_S3_MUTATIONS ?? 20) / 20)

onServices(test, (services) => {
  test('in a bucket, too, every alteration of the disks below it is flagged and located, and nothing else is', async (t) => {
    const random = seededRandom(fuzzSeed(t.log))
    const evidence = await loggedEvidence(t, random, 20)
    const run = createMutationRun(t, evidence, await inS3(t, services, s3Disks(process.env.TEST_SERVICES!)))
    await run.intact()
    await run.evidence(random, perClass)
    await run.log(random, perClass)
  })
})

import test from 'ava'
import { inFiles, inMemory } from '#test/helpers/altered-stores.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { loggedEvidence } from '#test/helpers/logged-evidence.ts'
import { fuzzSeed } from '#test/helpers/mutated-bytes.ts'
import { createMutationRun } from '#test/helpers/mutation-run.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

test.after.always(closeSharedCatalog)

const perClass = Math.ceil(Number(process.env.TEST_MUTATIONS ?? 200) / 20)

test('every alteration of stored sessions and of the log is flagged and located by each way to look that can see it, and nothing else is', async (t) => {
  const random = seededRandom(fuzzSeed(t.log))
  const onDisk = process.env.TEST_MUTATION_STORE === 'files' // the real store; by the thousand it takes minutes
  const evidence = await loggedEvidence(t, random, onDisk ? 20 : 300)
  const store = onDisk ? await inFiles(t) : inMemory
  const run = createMutationRun(t, evidence, store)
  await run.intact()
  await run.evidence(random, perClass)
  await run.log(random, perClass)
})

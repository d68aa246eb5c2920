import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { createAgentKeys } from '#services/access/agent-keys.ts'
import { systemClock } from '#services/clock.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { corpusBastion, evidenceCorpus } from '#test/helpers/evidence-corpus.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { bartizan } from '#test/helpers/running.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

test.after.always(closeSharedCatalog)

const ends = async (args: string[], data: string) => {
  const run = bartizan(['verify', ...args], { BARTIZAN_DATA: data })
  const code = await run.exited
  const lines = run.output().split('\n')
  return {
    code,
    output: run.output(),
    json: () => lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)),
  }
}

test('exit codes tell good, altered, incomplete evidence apart, and what cannot be told; where is said', async (t) => {
  const corpus = await evidenceCorpus(t, seededRandom(11))
  const { folder, sessions } = corpus
  const elsewhere = await temporaryFolder(t)
  const state = await createSqliteStateStore({ file: join(folder, 'state.db') })
  const agentKeys = createAgentKeys({ state, clock: systemClock })
  for (const { publicKey } of [corpus.agent.registered(), corpus.next.registered()])
    await agentKeys.seen(corpusBastion, Buffer.from(publicKey, 'base64'), async () => {})
  await state.close()

  const good = await ends(['--level', 'content', '--data', folder, '--json'], elsewhere)
  t.is(good.code, 0, good.output)
  t.like(good.json().at(-1), {
    type: 'summary',
    level: 'content',
    verdict: 'ok',
    findings: 0,
    objects: corpus.objects.size,
  })

  const cannotTell = await ends(['--level', 'content', '--folder', folder], elsewhere)
  t.is(cannotTell.code, 3, cannotTell.output)
  t.regex(cannotTell.output, /holds no session keys/)

  const [several, small] = sessions
  const missing = `${small!.prefix}000000000000`
  await rm(join(folder, missing))
  const incomplete = await ends(['--data', folder], elsewhere)
  t.is(incomplete.code, 2, incomplete.output)
  t.true(incomplete.output.includes(`${missing}, batch 0: block-missing`))

  const altered = join(folder, `${several!.prefix}000000000000`)
  const bytes = await readFile(altered)
  bytes[40]! ^= 1
  await chmod(altered, 0o644)
  await writeFile(altered, bytes)
  const tampered = await ends(['--folder', join(folder, several!.prefix), '--json'], elsewhere)
  t.is(tampered.code, 1, tampered.output)
  t.like(tampered.json()[0], {
    type: 'finding',
    verdict: 'tampered',
    what: 'ciphertext',
    where: { key: `${several!.prefix}000000000000` },
  })
})

test('wrong usage of verify ends with 3, since 2 says something of evidence', async (t) => {
  const data = await temporaryFolder(t)
  t.is((await ends(['--level', 'none'], data)).code, 3)
  t.is((await ends(['neither-id-nor-prefix'], data)).code, 3)
  const help = await ends(['--help'], data)
  t.is(help.code, 0)
  t.regex(help.output, /Exit codes: 0 ok, 1 tampered, 2 incomplete, 3 cannot tell/)
})

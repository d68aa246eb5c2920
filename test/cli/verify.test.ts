import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test from 'ava'
import { createAgentKeys } from '#services/access/agent-keys.ts'
import { systemClock } from '#services/clock.ts'
import { formatVerifier } from '#services/proofs/note.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { corpusBastion, evidenceCorpus } from '#test/helpers/evidence-corpus.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { loggedEvidence } from '#test/helpers/logged-evidence.ts'
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
    log: 'not asked',
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
  t.like(tampered.json()[0], { type: 'log', asked: false })
  t.like(tampered.json()[1], {
    type: 'finding',
    verdict: 'tampered',
    what: 'ciphertext',
    where: { key: `${several!.prefix}000000000000` },
  })
})

test('the log is asked with its public key: gone as a whole is tampered with, and a log of before that is kept is compared', async (t) => {
  const { stored, log, sessions, manifests } = await loggedEvidence(t, seededRandom(13))
  const folder = await temporaryFolder(t)
  for (const [key, bytes] of [...stored, ...log.objects]) {
    await mkdir(dirname(join(folder, key)), { recursive: true })
    await writeFile(join(folder, key), bytes)
  }
  const key = join(folder, 'log.pub')
  const kept = join(folder, 'kept.json')
  await writeFile(key, `${formatVerifier(log.verifier)}\n`)
  await writeFile(kept, JSON.stringify({ action: 'log.checkpoint', object: log.notes[0]!.toString() }))
  const asked = ['--folder', folder, '--log-key', key, '--since', kept, '--json']
  const good = await ends(asked, folder)
  t.is(good.code, 0, good.output)
  t.like(good.json()[0], { type: 'log', asked: true, verdict: 'ok', size: log.size(), kept: 1 })

  await rm(join(folder, sessions[1]!.prefix), { recursive: true })
  const gone = await ends(asked, folder)
  t.is(gone.code, 1, gone.output)
  const { where } = gone.json().find(({ what }) => what === 'gone')
  t.is(
    where.key,
    manifests.find((manifest) => manifest.startsWith(sessions[1]!.prefix)),
  )
  await rm(join(folder, log.keys.checkpoint(log.size())))
  await writeFile(kept, log.notes.at(-1)!)
  const rewound = await ends(['--folder', folder, '--log-key', formatVerifier(log.verifier), '--since', kept], folder)
  t.is(rewound.code, 1, rewound.output)
  t.regex(rewound.output, /log-rewound/)
  t.is((await ends(['--folder', folder, '--since', kept], folder)).code, 3)
})

test('wrong usage of verify ends with 3, since 2 says something of evidence', async (t) => {
  const data = await temporaryFolder(t)
  t.is((await ends(['--level', 'none'], data)).code, 3)
  t.is((await ends(['neither-id-nor-prefix'], data)).code, 3)
  const help = await ends(['--help'], data)
  t.is(help.code, 0)
  t.regex(help.output, /Exit codes: 0 ok, 1 tampered, 2 incomplete, 3 cannot tell/)
})

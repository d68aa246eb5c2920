import { cp, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { createAgentKeys } from '#services/access/agent-keys.ts'
import { systemClock } from '#services/clock.ts'
import { acquireLock } from '#services/lock/sqlite-lock.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { corpusBastion, evidenceCorpus } from '#test/helpers/evidence-corpus.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { bartizan } from '#test/helpers/running.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

test.after.always(closeSharedCatalog)

const ends = async (args: string[], data: string) => {
  const run = bartizan(args, { BARTIZAN_DATA: data, BARTIZAN_CUSTODY_BACKUP_DAYS: '30' })
  const code = await run.exited
  return { code, output: run.output() }
}

test('evidence of before is read and proven in a new folder with both backups, and with neither alone; nothing is restored under a running instance', async (t) => {
  const { folder, sessions, agent, next } = await evidenceCorpus(t, seededRandom(5))
  const state = await createSqliteStateStore({ file: join(folder, 'state.db') })
  const agentKeys = createAgentKeys({ state, clock: systemClock })
  for (const { publicKey } of [agent.registered(), next.registered()])
    await agentKeys.seen(corpusBastion, Buffer.from(publicKey, 'base64'), async () => {})
  await state.close()
  const [to, lost] = [await temporaryFolder(t), await temporaryFolder(t)]
  const phrase = ['--passphrase-file', join(to, 'pass')]
  await writeFile(join(to, 'pass'), 'a passphrase of the backups\n', { mode: 0o600 })

  const keys = await ends(['backup', 'keys', '--to', to, '--with-master-key', '--json', ...phrase], folder)
  t.is(keys.code, 0, keys.output)
  const made = JSON.parse(keys.output)
  t.is(made.keys, sessions.length)
  const saved = await ends(['backup', 'state', '--to', to, '--json', ...phrase], folder)
  t.is(saved.code, 0, saved.output)
  t.is((await readdir(to)).filter((name) => /^bartizan-(keys|state)-.*Z\.backup$/.test(name)).length, 2)

  const warned = bartizan(['backup', 'state', '--to', to, ...phrase], { BARTIZAN_DATA: folder })
  t.is(await warned.exited, 0)
  t.regex(warned.output(), /custody\.backupDays is 0/)
  for (const part of await readdir(folder))
    if (part === 'evidence') await cp(join(folder, part), join(lost, part), { recursive: true })
  const verified = () => ends(['verify', '--level', 'content', sessions[1]!.sessionId], lost)
  const fromState = ['restore', 'state', '--from', JSON.parse(saved.output).file, ...phrase]
  const lock = await acquireLock(join(lost, 'lock.db'), { pid: process.pid, what: 'a running instance' })
  const refused = await ends(fromState, lost)
  t.is(refused.code, 1)
  t.regex(refused.output, /in use by process \d+ \(a running instance\).*BTZ_DATA_LOCKED/s)
  await lock.release()
  t.is((await ends(fromState, lost)).code, 0)
  t.is((await verified()).code, 3, 'state alone reads no evidence')
  const again = await ends(fromState, lost)
  t.is(again.code, 1)
  t.regex(again.output, /there is state already, of 2 entries.*--force/s)

  const restored = await ends(['restore', 'keys', '--from', to, '--json', ...phrase], lost)
  t.is(restored.code, 0, restored.output)
  t.like(JSON.parse(restored.output), { restored: sessions.length, masterKey: 'there', dryRun: false })
  const proven = await verified()
  t.is(proven.code, 0, proven.output)
})

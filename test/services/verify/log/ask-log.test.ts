import test, { type ExecutionContext } from 'ava'
import { manifestKeyOf } from '#services/recordings/format/evidence-keys.ts'
import { SessionId } from '#services/schema/ids.ts'
import type { Finding } from '#services/verify/finding.ts'
import type { AskedLog } from '#services/verify/log/ask-log.ts'
import type { Scope } from '#services/verify/scope.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import { evidenceLog } from '#test/helpers/evidence-log.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { actPerson, eventBlock, eventBlockAt, loggedEvidence } from '#test/helpers/logged-evidence.ts'
import { mapSource } from '#test/helpers/map-source.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

test.after.always(closeSharedCatalog)

type Objects = Map<string, Uint8Array>
const everything: Scope = { prefix: 'evidence/' }

const place = async (t: ExecutionContext) => {
  const evidence = await loggedEvidence(t, seededRandom(20))
  const { log, stored } = evidence
  const verified = async (altered: Objects, scope: Scope = everything, kept: Uint8Array[] = []) => {
    const findings: Finding[] = []
    let about: AskedLog | null = null
    const ask = { verifier: log.verifier, kept }
    for await (const report of verifyEvidence(mapSource(altered), scope, null, undefined, ask)) {
      if (report.type === 'finding') findings.push(report.finding)
      if (report.type === 'log') about = report.log
    }
    return { about, told: findings.map(({ verdict, what, where }) => [verdict, what, where.key]) }
  }
  return { ...evidence, verified, all: (): Objects => new Map([...stored, ...log.objects]) }
}

test('a log and the evidence that it is about agree: everything, a day, one session', async (t) => {
  const { all, log, verified, sessions } = await place(t)
  const whole = await verified(all(), everything, log.notes)
  t.deepEqual(whole.told, [])
  t.like(whole.about, { origin: log.signer.name, size: log.size(), kept: 3 })
  const { sessionId, prefix } = sessions[3]!
  for (const scope of [{ sessionId }, { prefix }]) t.deepEqual((await verified(all(), scope)).told, [])
})

test('what the log knows of and is gone or another is named, whatever the scope: a session, a manifest, a block of events, an act', async (t) => {
  const { all, verified, sessions, hold } = await place(t)
  const without = (...gone: string[]) =>
    new Map([...all()].filter(([key]) => !gone.some((each) => key.startsWith(each))))
  const { prefix, sessionId } = sessions[1]!
  const manifest = manifestKeyOf(prefix, 1)
  t.deepEqual((await verified(without(prefix))).told, [['tampered', 'gone', manifest]])
  t.deepEqual((await verified(without(prefix), { sessionId })).told.at(-1), ['tampered', 'gone', manifest])
  t.deepEqual((await verified(without(manifest))).told.at(-1), ['tampered', 'gone', manifest])
  for (const key of [eventBlockAt(7), hold])
    t.deepEqual((await verified(without(key))).told, [['tampered', 'gone', key]])
  t.deepEqual((await verified(without(eventBlockAt(0)))).told, []) // from before blocks of events had leaves

  const key = eventBlockAt(7)
  t.deepEqual((await verified(new Map(all()).set(key, eventBlock(7)))).told, [['tampered', 'replaced', key]])
  const silent = sessions[3]!.prefix
  t.deepEqual((await verified(without(manifestKeyOf(silent, 2)))).told.at(-1), [
    'tampered',
    'gone',
    manifestKeyOf(silent, 2),
  ])
})

test('what no checkpoint covers yet is incomplete and not tampered with, and nothing is wrong where an act says that it was disposed of', async (t) => {
  const { all, log, act, leafOf, verified, stored, sessions, manifests } = await place(t)
  const { prefix } = sessions[2]!
  const released = act({
    kind: 'retention',
    sessionId: SessionId.parse(sessions[2]!.sessionId),
    until: '2031-01-01T00:00:00Z',
    reason: 'law',
    by: [actPerson],
  })
  t.deepEqual((await verified(all())).told, [['incomplete', 'log-pending', released]])
  const gone = [...stored.keys()].filter((key) => key.startsWith(prefix))
  const objects = gone.map((key) => ({ key, versionId: null, retainedUntil: null }))
  const disposal = act({ kind: 'disposal', objects, reason: 'past its retention', by: [actPerson] })
  await log.append([leafOf('act', released), leafOf('act', disposal)])
  for (const key of gone) stored.delete(key)
  t.deepEqual((await verified(all())).told, [])
  t.deepEqual((await verified(all(), { prefix: prefix.slice(0, -37) })).told, [])
  t.deepEqual((await verified(all(), { prefix })).told, [])
  stored.delete(disposal)
  t.deepEqual((await verified(all())).told, [
    ['tampered', 'gone', manifests.find((key) => key.startsWith(prefix))],
    ['tampered', 'gone', disposal],
  ])
})

test('a log that was rewound, forked or rewritten is found out by a checkpoint that was kept, and where is said', async (t) => {
  const { all, log, verified, manifests } = await place(t)
  const { keys, notes, objects } = log
  const rewound = new Map(all())
  rewound.delete(keys.checkpoint(log.size()))
  const { told } = await verified(rewound, everything, [notes[2]!])
  t.deepEqual(told[0], ['tampered', 'log-rewound', keys.checkpoint(log.size())])

  const forked = evidenceLog(log.signer)
  const leaves = log.leaves.toSpliced(3, 1)
  await forked.append(leaves.slice(0, 301))
  await forked.append(leaves.slice(301))
  const evidence = [...all()].filter(([key]) => !objects.has(key))
  const other = new Map([...evidence, ...forked.objects])
  t.deepEqual((await verified(other)).told, [])
  t.deepEqual((await verified(other, everything, [notes[0]!])).told, [['tampered', 'log-forked', keys.checkpoint(301)]])

  const none = new Map(evidence)
  t.deepEqual((await verified(none, everything, [notes[0]!])).told[0], [
    'tampered',
    'log-rewound',
    keys.checkpoint(301),
  ])
  t.deepEqual(
    (await verified(none)).told.map(([verdict, what]) => `${verdict} ${what}`),
    [...manifests, 'the act'].map(() => 'incomplete log-pending'),
  )
})

test('each object of the log that was changed, or is gone, is named', async (t) => {
  const { all, log, verified } = await place(t)
  const random = seededRandom(21)
  const isIndex = (key: string) => key.includes('/leaf/')
  const some = [...log.objects].filter(([key], at) => !isIndex(key) || at % 50 === 0)
  for (const [key, bytes] of some) {
    const altered = Uint8Array.from(bytes)
    altered[Math.floor(random() * altered.byteLength)]! ^= 1 << Math.floor(random() * 8)
    const changed = await verified(new Map(all()).set(key, altered))
    t.true(
      changed.told.some(([verdict, , where]) => verdict === 'tampered' && where === key),
      `${key}: ${changed.told}`,
    )
    const without = new Map(all())
    without.delete(key)
    const { told } = await verified(without)
    if (log.keys.sizeOf(key) === null)
      // what a checkpoint vouched for, a later one does as well
      t.true(
        told.some(([verdict, , where]) => verdict === 'tampered' && where === key),
        `without ${key}: ${told}`,
      )
  }
})

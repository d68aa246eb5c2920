import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { type NoteVerifier, verifierOf } from '#services/proofs/note.ts'
import { SessionId } from '#services/schema/ids.ts'
import { files } from '#services/verify/bundle/bundle-format.ts'
import { endOfArchive, headerOf, paddingOf, readMembers } from '#services/verify/bundle/ustar.ts'
import { verifyBundle } from '#services/verify/bundle/verify-bundle.ts'
import { openBundle } from '#services/verify/bundle/write-bundle.ts'
import type { Finding, Level } from '#services/verify/finding.ts'
import { corpusBastion } from '#test/helpers/evidence-corpus.ts'
import { logSigner } from '#test/helpers/evidence-log.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { loggedEvidence } from '#test/helpers/logged-evidence.ts'
import { mapSource } from '#test/helpers/map-source.ts'
import { realTest } from '#test/helpers/real.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

test.after.always(closeSharedCatalog)

const run = promisify(execFile)

type Member = { name: string; bytes: Uint8Array }

const place = async (t: ExecutionContext) => {
  const random = seededRandom(40)
  const { stored, log, sessions, sessionKeys, agent, next } = await loggedEvidence(t, random, 30)
  const { sessionId, prefix } = sessions[0]! // the one with an act
  const agents = { bastion: corpusBastion, keys: [agent.registered(), next.registered()] }
  const made = async (withKey: boolean): Promise<Buffer> => {
    const sessionKey = withKey ? sessionKeys.get(`session:${sessionId}`)! : null
    const source = mapSource(new Map([...stored, ...log.objects]))
    const options = {
      source,
      verifier: log.verifier,
      sessionId: SessionId.parse(sessionId),
      prefixes: [],
      agents,
      sessionKey,
    }
    return Buffer.concat(await Array.fromAsync((await openBundle(options))!))
  }
  const verified = async (
    bundle: Uint8Array,
    { level = 'sealed' as Level, verifier = log.verifier as NoteVerifier | null } = {},
  ) => {
    const findings: Finding[] = []
    const checked: { objects: number; batches: number }[] = []
    const pieces = (async function* () {
      // Pieces that end anywhere.
      for (let at = 0; at < bundle.byteLength; at += 10_007) yield bundle.subarray(at, at + 10_007)
    })()
    for await (const report of verifyBundle({ pieces, verifier, level })) {
      if (report.type === 'finding') findings.push(report.finding)
      if (report.type === 'checked') checked.push(report.checked)
    }
    return { told: findings.map(({ verdict, what, where }) => [verdict, what, where.key]), checked }
  }
  return {
    made,
    verified,
    prefix,
    sessionId,
    log,
    random,
    objects: [...stored.keys()].filter((key) => key.includes(sessionId)),
  }
}

const membersOf = async (bundle: Uint8Array): Promise<Member[]> => {
  const members: Member[] = []
  for await (const { name, bytes } of readMembers(
    (async function* () {
      yield bundle
    })(),
    bundle.byteLength,
  ))
    members.push({ name, bytes })
  return members
}
const archive = (members: readonly Member[]): Buffer =>
  Buffer.concat([
    ...members.flatMap(({ name, bytes }) => [
      headerOf({ name, sizeBytes: bytes.byteLength }),
      bytes,
      paddingOf(bytes.byteLength),
    ]),
    endOfArchive(),
  ])
/** By somebody who also writes the sums anew. */
const withSums = (members: readonly Member[]): Buffer => {
  const rest = members.filter(({ name }) => !name.endsWith(files.sums))
  const lines = rest.map(({ name, bytes }) => `${hash('sha256', bytes, 'hex')}  ${name.slice(name.indexOf('/') + 1)}\n`)
  const folder = members[0]!.name.split('/')[0]
  return archive([...rest, { name: `${folder}/${files.sums}`, bytes: Buffer.from(lines.join('')) }])
}

test('a bundle verifies where nothing but the public key of the log is known, with the session key also its content', async (t) => {
  const { made, verified, objects } = await place(t)
  const sealed = await verified(await made(false))
  t.deepEqual(sealed.told, [])
  t.is(
    sealed.checked.reduce((sum, { objects }) => sum + objects, 0),
    objects.length,
  )
  const content = await verified(await made(true), { level: 'content' })
  t.deepEqual(content.told, [])
  t.true(content.checked[0]!.batches > 10)
  t.deepEqual(
    (await verified(await made(false), { level: 'content' })).told.map(([verdict, what]) => [verdict, what]),
    [['unknown', 'key-missing']],
  )
  t.deepEqual((await verified(await made(false), { verifier: null })).told, [['unknown', 'log-key', files.logKey]])
  const other = verifierOf(logSigner())
  t.deepEqual((await verified(await made(false), { verifier: other })).told[0], ['tampered', 'log-key', files.logKey])
})

realTest(
  test,
  ['tar', 'sha256sum'],
  'tar unpacks a bundle, and sha256sum finds each file as it was written',
  async (t) => {
    const { made, sessionId, objects } = await place(t)
    const folder = await temporaryFolder(t)
    await writeFile(join(folder, 'bundle.tar'), await made(true))
    await run('tar', ['-xf', 'bundle.tar'], { cwd: folder })
    const { stdout } = await run('sha256sum', ['--check', '--strict', files.sums], { cwd: join(folder, sessionId) })
    const said = stdout.trim().split('\n')
    t.true(said.every((line) => line.endsWith(': OK')))
    t.true(objects.every((key) => said.includes(`${key}: OK`)))
  },
)

test('a bundle in which a bit of any file, header or filling was changed is found out, and so is one without a file or cut anywhere', async (t) => {
  const { made, verified, random, sessionId } = await place(t)
  const bundle = await made(true)
  const members = await membersOf(bundle)
  for (const [at, { name, bytes }] of members.entries()) {
    const changed = Uint8Array.from(bytes)
    changed[Math.floor(random() * changed.byteLength)]! ^= 1 << Math.floor(random() * 8)
    const short = name.slice(sessionId.length + 1)
    const { told } = await verified(archive(members.with(at, { name, bytes: changed })))
    t.true(
      told.some(([verdict, , key]) => verdict === 'tampered' && (key === short || short === files.sums)),
      `${name}: ${told}`,
    )
    const without = (await verified(archive(members.toSpliced(at, 1)))).told
    t.true(
      without.some(([verdict]) => verdict === 'tampered'),
      `without ${name}: ${without}`,
    )
  }
  for (let count = 0; count < 40; count++) {
    const at = Math.floor(random() * bundle.byteLength)
    const flipped = Buffer.from(bundle)
    flipped[at]! ^= 1 << Math.floor(random() * 8)
    t.true(
      (await verified(flipped)).told.some(([verdict]) => verdict === 'tampered'),
      `byte ${at}`,
    )
    t.true(
      (await verified(bundle.subarray(0, at))).told.some(([verdict]) => verdict === 'tampered'),
      `cut at ${at}`,
    )
  }
  t.true((await verified(Buffer.concat([bundle, Buffer.alloc(512)]))).told.length > 0)
})

test('who writes the sums of a bundle anew is still found out, by the log: another block, manifest, act, proof, checkpoint, and what is gone', async (t) => {
  const { made, verified, objects, sessionId } = await place(t)
  const members = await membersOf(await made(false))
  const nameOf = (short: string) => `${sessionId}/${short}`
  const anchored = [...objects, files.checkpoint, files.proofs, files.about, files.logKey]
  for (const short of anchored) {
    const at = members.findIndex(({ name }) => name === nameOf(short))
    const { name, bytes } = members[at]!
    const changed = Uint8Array.from(bytes)
    changed[Math.floor(changed.byteLength / 2)]! ^= 1
    const { told } = await verified(withSums(members.with(at, { name, bytes: changed })))
    t.true(
      told.some(([verdict]) => verdict === 'tampered'),
      `${name}: ${told}`,
    )
  }
  for (const key of objects) {
    const { told } = await verified(withSums(members.filter(({ name }) => name !== nameOf(key))))
    t.true(
      told.some(([, , where]) => where === key || where === files.about),
      `without ${key}: ${told}`,
    )
  }
})

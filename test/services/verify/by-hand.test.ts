import { execFile } from 'node:child_process'
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { wrapKey } from '#services/keys/wrapped-key.ts'
import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { type Alteration, createAlterations } from '#test/helpers/evidence-alterations.ts'
import { evidenceCorpus } from '#test/helpers/evidence-corpus.ts'
import { agentKeyOf, goldenEvidence } from '#test/helpers/golden-evidence.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { fuzzSeed } from '#test/helpers/mutated-bytes.ts'
import { realTest } from '#test/helpers/real.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

test.after.always(closeSharedCatalog)

const page = fileURLToPath(new URL('../../../docs/verify-by-hand.md', import.meta.url))
const run = promisify(execFile)

const pemOf = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' })
const keyFileOf = (folder: string, sessionId: string): string => {
  const name = createHash('sha256').update(`session:${sessionId}`).digest('hex')
  return join(folder, 'keys', name.slice(0, 2), name.slice(2, 4), `${name}.key`)
}

/** Of a manifest the page looks at the names and digests of blocks, and at no more. */
const ofBlocks = (alter: () => Alteration): Alteration => {
  const alteration = alter()
  return alteration.keys.some((key) => parseSessionKey(key)?.kind === 'block') ? alteration : ofBlocks(alter)
}

/** The program of the page, and what the page says is other in v0. */
const programs = async () => {
  const [program = '', older = ''] = Array.from(
    (await readFile(page, 'utf8')).matchAll(/^```python\n(.*?)^```$/gms),
    ([, code]) => code!,
  )
  const from = program.indexOf('    need(sha(block)')
  const to = program.indexOf('    for number, frame', from)
  const kept = program
    .slice(from, to)
    .split('\n')
    .filter((line) => /^ {4}(need\(sha\(block\[|random_key)/.test(line))
  const [magic, start, footer, key] = older.trimEnd().split('\n')
  const lines = [magic, start, footer, ...kept, key, '']
  return { program, ofV0: program.slice(0, from) + lines.join('\n') + program.slice(to) }
}

realTest(
  test,
  ['python3', 'openssl', 'zstd'],
  'the program of the page accepts what was recorded, and nothing altered',
  async (t) => {
    const random = seededRandom(fuzzSeed(t.log))
    const { program } = await programs()
    t.true(program.trim().split('\n').length <= 80)
    const folder = await temporaryFolder(t)
    const [script, ...pems] = ['verify.py', 'agent.pem', 'next.pem'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    const corpus = await evidenceCorpus(t, random)
    await writeFile(script, program)
    await writeFile(pems[0]!, pemOf(corpus.agent.privateKey))
    await writeFile(pems[1]!, pemOf(corpus.next.privateKey))

    let copies = 0
    const judged = async (objects: ReadonlyMap<string, Uint8Array>, prefix: string) => {
      const sessionId = basename(prefix)
      const copy = join(folder, String(copies++), sessionId)
      await mkdir(copy, { recursive: true })
      for (const [key, bytes] of objects) if (key.startsWith(prefix)) await writeFile(join(copy, basename(key)), bytes)
      const keys = [join(corpus.folder, 'keys', 'master.key'), keyFileOf(corpus.folder, sessionId)]
      return run('python3', [script, copy, ...keys, ...pems]).then(
        ({ stdout }) => ({ code: 0, said: stdout }),
        (error: { code: number; stderr: string }) => ({ code: error.code, said: error.stderr }),
      )
    }
    for (const { prefix, sessionId } of corpus.sessions.slice(1, 3)) {
      const { code, said } = await judged(corpus.objects, prefix)
      t.is(code, 0, said)
      t.regex(said, new RegExp(`^${sessionId}: \\d+ batches`))
    }
    const stranger = generateKeyPairSync('ed25519').privateKey
    const { bitFlip, truncate, splice, resign } = createAlterations(corpus, stranger, random)
    for (const alter of [bitFlip, truncate, splice, resign]) {
      const { name, objects, prefix } = ofBlocks(alter)
      const { code, said } = await judged(objects, prefix)
      t.is(code, 1, `${name}: ${said}`)
    }
  },
)

realTest(
  test,
  ['python3', 'openssl', 'zstd'],
  'the program of the page accepts the recordings that are kept of each format, and says what is missing',
  async (t) => {
    const folder = await temporaryFolder(t)
    const { program, ofV0 } = await programs()
    const at = (name: string) => join(folder, name)
    const master = randomBytes(32)
    await writeFile(at('master.key'), master)
    for (const format of [0, 1] as const) {
      const golden = goldenEvidence(format)
      await writeFile(at('verify.py'), format === 0 ? ofV0 : program)
      await writeFile(at('agent.pem'), pemOf(agentKeyOf(golden)))
      for (const name of ['text', 'binary', 'provisional', 'gap']) {
        const { sessionId, key, blocks, manifests } = golden.sessionOf(name)
        await mkdir(at(sessionId))
        for (const each of [...blocks, ...manifests])
          await writeFile(join(at(sessionId), basename(each)), golden.objects.get(each)!)
        await writeFile(at('session.key'), wrapKey(master, `session:${sessionId}`, key, '2026-01-31T12:00:00.000Z'))
        const files = ['verify.py', sessionId, 'master.key', 'session.key', 'agent.pem'].map(at)
        const judged = run('python3', files)
        if (name === 'gap') t.regex((await t.throwsAsync(judged))?.message ?? '', /the recording is not complete/)
        else t.regex((await judged).stdout, new RegExp(`^${sessionId}: \\d+ batches, each as the agent wrote it`))
      }
    }
  },
)

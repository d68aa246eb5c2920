import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { encodeStatement } from '#services/coverage/statement-format.ts'
import { formatVerifier, verifierOf } from '#services/proofs/note.ts'
import { Statement } from '#services/schema/statement.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const bartizan = fileURLToPath(new URL('../../cli/bartizan.ts', import.meta.url))
const run = (args: string[], data: string) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const env = { PATH: process.env.PATH, BARTIZAN_DATA: data }
    execFile(process.execPath, [bartizan, 'coverage', ...args], { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    )
  })

test('a statement in a file is verified with the public key alone; one byte changed is found', async (t) => {
  const folder = await temporaryFolder(t)
  const signer = { name: 'log.test', privateKey: generateKeyPairSync('ed25519').privateKey }
  const statement = Statement.parse({
    ...{ format: 1, bastion: 'jump1', date: '2026-01-31', number: 2, at: '2026-02-01T01:00:00.000Z', replaces: null },
    ...{ seen: 9, complete: 8, open: 0, agentSilentMs: 0, unlisted: 0 },
    gaps: { missing: 1, truncated: 0, recorder_killed: 0, late: 0, tunnel_only: 0 },
    listed: [{ sessionId: '0199aaaa-0000-7000-8000-000000000001', state: 'missing' }],
  })
  const bytes = Buffer.from(encodeStatement(statement, signer))
  const [good, bad] = [join(folder, 'good'), join(folder, 'bad')]
  await writeFile(good, bytes)
  await writeFile(bad, bytes.toString().replace('9 seen', '8 seen'))
  const key = formatVerifier(verifierOf(signer))
  const [right, wrong] = await Promise.all(
    [good, bad].map((file) => run(['--verify', file, '--log-key', key], join(folder, 'data'))),
  )
  t.is(right!.code, 0, right!.err)
  t.regex(right!.out, /^jump1 2026-01-31 UTC: 9 seen, 8 complete; gaps: 1 missing\nsigned by log\.test, statement 2/)
  t.is(wrong!.code, 1)
  t.regex(wrong!.err, /signature/)
})

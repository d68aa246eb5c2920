import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import test from 'ava'
import { openCheckpoint, signCheckpoint } from '#services/proofs/checkpoint.ts'
import { readLeaf } from '#services/proofs/leaf.ts'
import { rangeHash } from '#services/proofs/merkle.ts'
import { formatVerifier, parseVerifier, verifierOf } from '#services/proofs/note.ts'
import { memoryLog } from './naive-tree.ts'

const page = await readFile(new URL('../../../docs/transparency-log.md', import.meta.url), 'utf8')
const block = (name: string): string => page.split(`\`\`\`${name}\n`)[1]!.split('```')[0]!

test('the example of the documentation is what the code writes', async (t) => {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)])
  const verifier = parseVerifier(block('key').trim())
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const signer = { name: verifier.name, privateKey }
  t.is(formatVerifier(verifierOf(signer)), block('key').trim())

  const lines = block('entries').trim().split('\n')
  const leaves = lines.map((line) => readLeaf(Buffer.from(line))!)
  t.deepEqual(
    leaves.map(({ entry }) => String(entry)),
    lines,
  )
  t.deepEqual(
    leaves.map(({ id }) => id),
    block('hashes').trim().split('\n'),
  )
  const log = memoryLog()
  log.append(leaves.map(({ entry }) => entry))
  t.is(log.tiles.get('tile/entries/000.p/2')?.byteLength, 370)
  t.is(Buffer.from(log.tiles.get('tile/0/000.p/2')!).toString('hex'), block('hashes').replaceAll('\n', ''))
  const root = await rangeHash({ from: 0, to: 2 }, log.hashes(2))
  t.is(Buffer.from(root).toString('hex'), block('root').trim())
  t.is(signCheckpoint(2, root, signer), block('checkpoint'))
  t.is(openCheckpoint(Buffer.from(block('checkpoint')), verifier).size, 2)
})

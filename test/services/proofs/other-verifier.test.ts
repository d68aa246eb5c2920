import { generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test from 'ava'
import { signCheckpoint } from '#services/proofs/checkpoint.ts'
import { leafHash, proveConsistency, proveInclusion } from '#services/proofs/merkle.ts'
import { formatVerifier, verifierOf } from '#services/proofs/note.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { buildGoVerifier } from './go-verifier.ts'
import { entriesTo, entryOf, memoryLog, naiveRoot } from './naive-tree.ts'

const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString('base64')
const sizes = [1, 2, 255, 256, 257, 600]
const entries = entriesTo(600)
const rootOf = (size: number): Uint8Array => naiveRoot(entries.slice(0, size))

realTest(test, ['go'], "Go's tlog takes each of our proofs, and none of another leaf or tree", async (t) => {
  const verify = await buildGoVerifier(t)
  const log = memoryLog()
  for (const [at, size] of sizes.entries()) log.append(entries.slice(sizes[at - 1] ?? 0, size))
  const given: object[] = []
  const expected: boolean[] = []
  const give = (claim: object, isTrue: boolean) => {
    given.push(claim)
    expected.push(isTrue)
  }
  for (const size of sizes) {
    const root = base64(rootOf(size))
    for (const index of [0, Math.floor(size / 2), size - 1]) {
      const proof = (await proveInclusion(index, size, log.hashes(size))).map(base64)
      give({ index, size, root, leaf: base64(leafHash(entryOf(index))), proof }, true)
      give({ index, size, root, leaf: base64(leafHash(entryOf(index + 1))), proof }, false)
    }
    for (const oldSize of sizes.filter((one) => one <= size)) {
      const proof = (await proveConsistency(oldSize, size, log.hashes(size))).map(base64)
      give({ oldSize, size, root, oldRoot: base64(rootOf(oldSize)), proof }, true)
      give({ oldSize, size, root, oldRoot: base64(leafHash(rootOf(oldSize))), proof }, false)
    }
  }
  const file = join(await temporaryFolder(t), 'proofs.json')
  await writeFile(file, JSON.stringify(given))
  t.deepEqual(await verify(['-proofs', file]), expected)
})

realTest(test, ['go'], "Go's note and tlog take our checkpoints and tiles, and reject a forked log", async (t) => {
  const verify = await buildGoVerifier(t)
  const signer = { name: 'example.com/log', privateKey: generateKeyPairSync('ed25519').privateKey }
  const key = formatVerifier(verifierOf(signer))
  const publish = async (name: string, older: number, all: Buffer[]): Promise<string> => {
    const folder = join(await temporaryFolder(t), name)
    const log = memoryLog()
    log.append(all.slice(0, older))
    log.append(all.slice(older))
    for (const [path, bytes] of log.tiles) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), bytes)
    }
    await writeFile(join(folder, 'checkpoint'), signCheckpoint(all.length, naiveRoot(all), signer))
    return folder
  }
  const older = join(await temporaryFolder(t), 'older')
  await writeFile(older, signCheckpoint(300, rootOf(300), signer))
  const honest = await publish('honest', 300, entries)
  const texts = entries.map(String)
  t.deepEqual(await verify(['-log', honest, '-key', key, '-older', older]), { size: 600, entries: texts })

  const forked = await publish('forked', 300, entries.with(17, Buffer.from('another')))
  t.deepEqual(await verify(['-log', forked, '-key', key]), { size: 600, entries: texts.with(17, 'another') })
  await t.throwsAsync(verify(['-log', forked, '-key', key, '-older', older]), {
    message: /invalid transparency proof|inconsistent/,
  })

  const stranger = { ...signer, privateKey: generateKeyPairSync('ed25519').privateKey }
  await writeFile(join(honest, 'checkpoint'), signCheckpoint(600, rootOf(600), stranger))
  await t.throwsAsync(verify(['-log', honest, '-key', key]), { message: /no verifiable signatures|unknown/ })
})

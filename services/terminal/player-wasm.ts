import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BartizanError } from '../errors.ts'

/**
 * asciinema-player 3.17.0 carries its terminal (avt 0.16, compiled to WebAssembly) as base64 in a chunk whose name has
 * a hash, and exports nothing of it: it is found by its content. The layout of its memory, which terminal-memory.ts
 * reads, is that of these very bytes.
 */
const expectedSha256 = '687c86d9026dda465e9adf8e4cfda8e30fa118e8ad3c5f3395055686f8923eb9'
const beginning = 'AGFzbQEAAAA' // "\0asm", version 1

const unknownPlayer = (what: string): BartizanError =>
  new BartizanError('BTZ_PLAYER_TERMINAL', `The terminal of the installed asciinema-player cannot be used: ${what}.`, {
    hint: 'Install the version of asciinema-player that package-lock.json names (npm ci).',
  })

const embeddedWasm = (folder: string): Uint8Array => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.js'))) {
    const text = readFileSync(join(folder, name), 'latin1')
    const from = text.indexOf(beginning)
    if (from === -1) continue
    return Buffer.from(text.slice(from, text.indexOf('"', from)), 'base64')
  }
  throw unknownPlayer(`there is none in ${folder}`)
}

let compiled: WebAssembly.Module | null = null

/** @throws BTZ_PLAYER_TERMINAL the package is not the one that this was written for */
export const playerWasm = (): WebAssembly.Module => {
  if (compiled) return compiled
  const wasm = embeddedWasm(dirname(fileURLToPath(import.meta.resolve('asciinema-player'))))
  const sha256 = createHash('sha256').update(wasm).digest('hex')
  if (sha256 !== expectedSha256) throw unknownPlayer(`its SHA-256 is ${sha256}, expected ${expectedSha256}`)
  compiled = new WebAssembly.Module(wasm)
  return compiled
}

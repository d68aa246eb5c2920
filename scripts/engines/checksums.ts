import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** Names and their SHA-256, of a file in the form that sha256sum(1) writes. */
export const parseChecksums = (text: string): Map<string, string> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const match = /^([0-9a-f]{64}) [ *]([\w.+-]{1,200})$/.exec(line)
        if (match === null) throw new Error(`not a line of checksums: ${line.slice(0, 80)}`)
        return [match[2]!, match[1]!]
      }),
  )

const sha256 = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** @throws when a file of the folder is missing, different, or not among the checksums at all */
export const verifyFolder = async (folder: string, checksums: Map<string, string>): Promise<void> => {
  const found = await readdir(folder)
  const unknown = found.filter((name) => !checksums.has(name))
  const missing = [...checksums.keys()].filter((name) => !found.includes(name))
  const different: string[] = []
  for (const [name, wanted] of checksums)
    if (found.includes(name) && (await sha256(join(folder, name))) !== wanted) different.push(name)
  const complaints = Object.entries({ different, missing, unknown }).filter(([, names]) => names.length > 0)
  if (complaints.length === 0) return
  const detail = complaints.map(([what, names]) => `${what}: ${names.join(', ')}`).join('; ')
  throw new Error(`the download is not what was pinned (${detail})`)
}

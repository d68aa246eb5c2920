import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'

/** What people have on their screens, of this machine: coloured listings, hits of a search, tables. */
const programs = [
  ['ls', '-lR', '--color=always', '/usr/lib', '/usr/share', '/etc'],
  ['grep', '-rIn', '--color=always', 'the', '/usr/share/doc', '/usr/include', '/usr/lib/python3'],
  ['find', '/usr', '/etc', '-printf', '%M %u %10s %t %p\\n'],
] as const

const lineEnds = (output: Buffer): Buffer => Buffer.from(output.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')

/** Terminal output in `file`, as much as is asked for; repeated from the start where the machine has less to show. */
export const writeCorpus = async (file: string, bytes: number): Promise<void> => {
  const output = createWriteStream(file)
  const share = Math.ceil(bytes / programs.length)
  let written = 0
  for (let turn = 0; written < bytes; turn++) {
    const [command, ...args] = programs[turn % programs.length]!
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    let left = Math.min(share, bytes - written)
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      const part = lineEnds(chunk).subarray(0, left)
      left -= part.length
      written += part.length
      if (!output.write(part)) await once(output, 'drain')
      if (left === 0) break
    }
    child.kill()
  }
  output.end()
  await once(output, 'finish')
}

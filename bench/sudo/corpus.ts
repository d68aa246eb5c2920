import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A recording as sudo keeps it: what it put out, and the folder that sudo_sendlog reads. */
export type Iolog = { number: number; bytes: Buffer; sha256: string; folder: string }

const delay = '0.000500000'
export const delayNs = 500_000n
const atSeconds = 1_795_216_921

/** What people see in terminals: coloured listings, hits of grep, processes. Never the same 1 MB twice. */
const terminalText = (): Buffer => {
  const script =
    'ls -lR --color=always /usr /etc 2>/dev/null; ps -ef; grep --color=always -rnI return /usr/share 2>/dev/null | head -c 12000000'
  return execFileSync('bash', ['-c', script], { maxBuffer: 256 * 1024 * 1024 })
}

export const splitFrames = ({ bytes }: Iolog, frameBytes: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.byteLength / frameBytes) }, (_, n) =>
    bytes.subarray(n * frameBytes, (n + 1) * frameBytes),
  )

const facts = (user: string) => ({
  timestamp: { seconds: atSeconds, nanoseconds: 0 },
  submituser: user,
  command: '/usr/bin/bash',
  runuser: user,
  runcwd: `/home/${user}`,
  ttyname: '/dev/pts/0',
  submithost: 'bastion',
  submitcwd: `/home/${user}`,
  runuid: 1001,
  columns: 100,
  lines: 30,
  runargv: ['bash'],
  run_time: { seconds: 1, nanoseconds: 0 },
  exit_value: 0,
})

const writeIolog = async (iolog: Iolog, frameBytes: number): Promise<void> => {
  const { folder, bytes, number } = iolog
  const user = `user${number}`
  const timing = splitFrames(iolog, frameBytes).map((frame) => `4 ${delay} ${frame.byteLength}\n`)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'ttyout'), bytes)
  await writeFile(join(folder, 'timing'), timing.join(''))
  await writeFile(
    join(folder, 'log'),
    `${atSeconds}:${user}:${user}::/dev/pts/0:30:100\n/home/${user}\n/usr/bin/bash\n`,
  )
  await writeFile(join(folder, 'log.json'), JSON.stringify(facts(user), null, 4))
}

/** Different recordings of `sizeBytes` each, in frames of `frameBytes`. */
export const writeCorpus = async (
  folder: string,
  { count, sizeBytes, frameBytes }: { count: number; sizeBytes: number; frameBytes: number },
): Promise<Iolog[]> => {
  const text = terminalText()
  const iologs = Array.from({ length: count }, (_, number): Iolog => {
    const head = Buffer.from(`recording ${number}\r\n`)
    const from = Math.floor((text.byteLength * number) / count)
    const around = Buffer.concat([head, text.subarray(from), text]).subarray(0, sizeBytes)
    const bytes = Buffer.from(around)
    return { number, bytes, sha256: hash('sha256', bytes), folder: join(folder, `${frameBytes}-${number}`) }
  })
  await Promise.all(iologs.map((iolog) => writeIolog(iolog, frameBytes)))
  return iologs
}

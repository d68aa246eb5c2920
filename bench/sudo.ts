import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ours, sendlog } from './sudo/clients.ts'
import { writeCorpus } from './sudo/corpus.ts'
import { logsrvd } from './sudo/logsrvd.ts'
import { measure, type Row } from './sudo/measure.ts'
import { product } from './sudo/product.ts'
import { whereTimeWent } from './sudo/profile.ts'

/**
 * The sudo protocol in, the same recordings to us and to sudo_logsrvd, in turn, each on a folder of its own:
 * `npm run bench -- sudo [--connections 1,50,200] [--frames 3800,500] [--rounds 1] [--size 1000000] [--profile]`.
 * Needs sudo's log server (Debian: sudo), and root where only root may speak to the sudo port.
 */
const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '1,50,200' },
    frames: { type: 'string', default: '3800,500' },
    iologs: { type: 'string', default: '20' },
    times: { type: 'string', default: '10' },
    size: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '1' },
    profile: { type: 'boolean', default: false },
  },
})
const numbers = (text: string): number[] => text.split(',').map(Number)
const folder = await mkdtemp(join(tmpdir(), 'bartizan-bench-sudo-'))
const rows: Row[] = []

const runAll = async (frameBytes: number): Promise<void> => {
  const iologs = await writeCorpus(folder, {
    count: Number(values.iologs),
    sizeBytes: Number(values.size),
    frameBytes,
  })
  const contestants = [product(), logsrvd(true), logsrvd(false)]
  for (const connections of numbers(values.connections))
    for (const client of [sendlog, ours])
      for (const contestant of contestants) {
        const load = { iologs, times: Number(values.times), connections, frameBytes }
        const row = await measure(folder, contestant, client, load)
        process.stdout.write(`${JSON.stringify(row)}\n`)
        rows.push(row)
      }
}

/** Where our time goes; with the profiler on it is no measurement. */
const profileOnce = async (): Promise<void> => {
  const [frameBytes] = numbers(values.frames)
  const iologs = await writeCorpus(folder, {
    count: Number(values.iologs),
    sizeBytes: Number(values.size),
    frameBytes: frameBytes!,
  })
  const profiles = join(folder, 'profiles')
  await mkdir(profiles)
  const load = { iologs, times: Number(values.times), connections: 50, frameBytes: frameBytes! }
  await measure(folder, product(profiles), ours, load)
  process.stdout.write(`${await whereTimeWent(profiles)}\n`)
}

try {
  if (values.profile) await profileOnce()
  else
    for (let round = 0; round < Number(values.rounds); round++)
      for (const one of numbers(values.frames)) await runAll(one)
  if (rows.length > 0) console.table(rows)
  if (rows.some(({ wrong }) => wrong > 0)) process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

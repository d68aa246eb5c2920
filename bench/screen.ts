import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchFlood } from './screen/flood.ts'
import { benchIdle } from './screen/idle.ts'

/** `npm run bench -- screen [idle N | flood MIB]` */
const [what = 'idle', size = what === 'idle' ? '10000' : '100'] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'bartizan-screen-'))
const done = what === 'idle' ? benchIdle(folder, Number(size)) : benchFlood(folder, Number(size) * 1024 * 1024)
process.stdout.write(`${JSON.stringify(await done, null, 2)}\n`)

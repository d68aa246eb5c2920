import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { readLogSigner } from '#services/keys/log-key.ts'
import { createLogger } from '#services/log.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import { openLogBus } from '#test/helpers/open-log-bus.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { entriesOf, latestSize, recordsTo, wrongInLog } from './log-place.ts'

const kills = 3
const child = fileURLToPath(new URL('../../helpers/log-writer-child.ts', import.meta.url))

/** Runs the writer; kills it `killAfterMs` after it began. @returns its exit code, null: killed */
const runChild = async (folder: string, killAfterMs: number | null): Promise<number | null> => {
  const running = spawn(process.execPath, [child, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  let timer: NodeJS.Timeout | undefined
  running.stdout.once('data', () => {
    if (killAfterMs !== null) timer = setTimeout(() => running.kill('SIGKILL'), killAfterMs)
  })
  const [code] = await once(running, 'exit')
  clearTimeout(timer)
  return code
}

test('killed -9 at random moments, the log has the same bytes as if it had never been', async (t) => {
  t.timeout(5 * 60_000)
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
  t.log(`seed ${seed}`)
  const random = seededRandom(seed)
  const folder = await temporaryFolder(t)
  const records = recordsTo(400)
  const bus = await openLogBus({ folder: join(folder, 'bus') })
  await bus.produce(records)
  await bus.close()

  let killed = 0
  for (let run = 0; run < kills; run++) {
    const killAfterMs = random() * (run === 0 ? 40 : 250) // the first one surely before it is done
    if ((await runChild(folder, killAfterMs)) === null) killed++
  }
  t.true(killed >= 1)
  t.is(await runChild(folder, null), 0)
  t.log(`${killed} kills`)

  const log = createLogger('test', 'silent')
  const recordings = await createFileRecordingStore({ folder, immutable: false, log })
  t.teardown(recordings.close)
  const logKey = (await readLogSigner(join(folder, 'keys')))!
  t.is(await latestSize({ recordings, logKey }), records.length)
  t.deepEqual(await wrongInLog({ recordings, logKey }, entriesOf(records)), [])
})

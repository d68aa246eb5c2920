import { join } from 'node:path'
import test from 'ava'
import { v7 as uuidv7 } from 'uuid'
import { systemClock } from '#services/clock.ts'
import { createFileDisposalStore } from '#services/recordings/file-disposal-store.ts'
import { dateOf, sessionPrefix } from '#services/recordings/format/evidence-keys.ts'
import { openDisposalPlace } from '#test/helpers/disposal.ts'
import { bartizan } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

test('dispose tells first, and with --yes and a reason deletes what is past its date, on a data folder that nothing uses', async (t) => {
  t.timeout(120_000)
  const data = join(await temporaryFolder(t), 'data')
  const place = await openDisposalPlace(data, async () => createFileDisposalStore(data, systemClock))
  for (const days of [0, 30]) {
    const key = `${sessionPrefix(dateOf(Date.now()), uuidv7())}000000000000`
    await place.backends.recordings.put(key, Buffer.from('x'), {
      retainUntil: new Date(Date.now() + days * 86_400_000),
    })
  }
  const ends = async (...args: string[]) => {
    const run = bartizan(['dispose', '--json', ...args], { BARTIZAN_DATA: data })
    return { code: await run.exited, output: run.output() }
  }
  const dispose = async (...args: string[]) => JSON.parse((await ends(...args)).output)
  t.like(await dispose(), { type: 'plan', objects: 1, kept: { retained: 1 } })
  await place.close()
  const refused = await ends('--yes')
  t.is(refused.code, 1)
  t.regex(refused.output, /--reason/)
  t.like(await dispose('--yes', '--reason', 'its time is over'), { type: 'disposed', objects: 1, sessions: 1 })
  t.like(await dispose(), { type: 'plan', objects: 0, kept: { retained: 1 } })
})

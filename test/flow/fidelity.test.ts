import { createHash, randomBytes } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import { type Bastion, bastionPrograms, startBastion } from '#test/helpers/bastion.ts'
import { type Logsrvd, startLogsrvd } from '#test/helpers/bastion-logsrvd.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const programs = [...bastionPrograms, 'sudo_logsrvd', 'perl']
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex')
const counted = (values: string[]): Record<string, number> =>
  Object.fromEntries(
    Object.entries(Object.groupBy(values, (value) => value)).map(([value, all]) => [value, all!.length]),
  )

const recordedBastion = async (t: ExecutionContext): Promise<{ bastion: Bastion; logsrvd: Logsrvd }> => {
  const logsrvd = await startLogsrvd(t)
  return { bastion: await startBastion(t, { sudoPort: logsrvd.port }), logsrvd }
}

/** A file that every user can read. */
const sharedFile = async (t: ExecutionContext, content: Buffer): Promise<string> => {
  const folder = await temporaryFolder(t)
  await chmod(folder, 0o755)
  await writeFile(join(folder, 'content'), content)
  return join(folder, 'content')
}

realTest(
  test,
  programs,
  '300 commands without a terminal lose no byte on the way to the client and the recording',
  async (t) => {
    const { bastion, logsrvd } = await recordedBastion(t)
    const [user] = bastion.users
    const content = randomBytes(300_000)
    const file = await sharedFile(t, content)
    const runs = 300
    const received: string[] = []
    const worker = async (): Promise<void> => {
      while (received.length < runs) {
        const place = received.push('not yet') - 1
        const { stdout, stderr, code } = await bastion.ssh(user!, `cat ${file}; exit 7`)
        received[place] = `${sha256(stdout)} ${stderr.toString()} ${code}`
      }
    }
    await Promise.all([worker(), worker(), worker()])
    t.deepEqual(counted(received), { [`${sha256(content)}  7`]: runs })

    await logsrvd.complete(runs)
    t.deepEqual(counted((await logsrvd.recorded('stdout')).map(sha256)), { [sha256(content)]: runs })
  },
)

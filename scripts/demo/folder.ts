import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { systemCode } from '#services/disk-error.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import { acquireLock } from '#services/lock/sqlite-lock.ts'
import { makeFolder } from '#services/make-folder.ts'
import { directory } from './team.ts'

/** What the demo keeps in its folder about itself. A folder without it is not the demo's, and is left alone. */
const mark = 'bartizan-demo.json'

/** How far the story is told. `within`: a day was begun and not ended; it cannot be told twice. */
const Story = z.object({
  plannedMs: z.number(),
  historyDays: z.number().int(),
  daysTold: z.number().int(),
  within: z.boolean(),
})
export type Story = z.infer<typeof Story>

export const logFileOf = (data: string): string => join(data, 'sshd.log')
export const directoryFileOf = (data: string): string => join(data, 'directory.json')

export const readStory = async (data: string): Promise<Story | null> => {
  const text = await readFile(join(data, mark), 'utf8').catch(() => null)
  return text === null ? null : Story.parse(JSON.parse(text))
}
export const writeStory = (data: string, story: Story): Promise<void> =>
  writeFileDurably(join(data, mark), `${JSON.stringify(story)}\n`)

const contentOf = (data: string): Promise<string[]> =>
  readdir(data).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  })

/** @throws BTZ_FILE_EXISTS when the folder holds something else */
export const makeDemoFolder = async (data: string, story: Story): Promise<void> => {
  if ((await contentOf(data)).length > 0 && (await readStory(data)) === null)
    throw new BartizanError('BTZ_FILE_EXISTS', `${data} holds something that is not a demo`, {
      hint: 'name an empty folder, or one that is not there yet: npm run demo -- --data <folder>',
    })
  await makeFolder(data)
  await writeStory(data, story)
  await writeFile(directoryFileOf(data), JSON.stringify(directory, null, 2))
  await writeFile(logFileOf(data), '', { flag: 'a' })
}

const pidOf = async (file: string): Promise<number | null> => {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  return z.looseObject({ pid: z.number().int() }).safeParse(JSON.parse(text)).data?.pid ?? null
}

/** Whether somebody holds it: the kernel lets go of it when its holder dies, so that no reused pid is taken for ours. */
const isHeld = async (file: string): Promise<boolean> => {
  try {
    await (await acquireLock(file, { pid: process.pid, what: 'npm run demo' })).release()
    return false
  } catch (error) {
    if (hasCode(error, 'BTZ_DATA_LOCKED')) return true
    throw error
  }
}

/** @throws BTZ_DATA_LOCKED while the demo runs */
export const refuseWhileRunning = async (data: string): Promise<void> => {
  if ((await readStory(data)) === null || !(await isHeld(join(data, 'lock.db')))) return
  const pid = await pidOf(join(data, 'endpoints.json'))
  throw new BartizanError('BTZ_DATA_LOCKED', `the demo in ${data} runs already`, {
    hint: `open its console, or end it with Ctrl-C where it runs${pid === null ? '' : ` (or with: kill ${pid})`}`,
  })
}

const agentLimitMs = 15_000

/** An agent outlives whoever started it, and writes into the folder until it ends. */
const endAgent = async (data: string): Promise<void> => {
  const lockFile = join(data, 'agent', 'lock.db')
  const pid = await pidOf(join(data, 'agent', 'agent.json'))
  if (pid === null || !(await isHeld(lockFile))) return
  process.kill(pid, 'SIGTERM')
  const end = Date.now() + agentLimitMs
  while (Date.now() < end && (await isHeld(lockFile))) await new Promise((done) => setTimeout(done, 100))
}

/** Removes what a demo left, and nothing else; false: there was none. @throws BTZ_DATA_LOCKED while it runs */
export const removeDemo = async (data: string): Promise<boolean> => {
  if ((await readStory(data)) === null) return false
  await refuseWhileRunning(data)
  await endAgent(data)
  await rm(data, { recursive: true, force: true })
  return true
}

import { constants } from 'node:fs'
import { chmod, chown, type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError, systemCode } from '#services/disk-error.ts'
import { BartizanError } from '#services/errors.ts'
import { parsedJson } from '#services/json.ts'
import { createLook } from './look.ts'
import { nameOf, numbersOf, Taken } from './told-facts.ts'
import { nothingSaid, WhatWasSaid } from './what-was-said.ts'

/** The collector's side of `<data>/posture`: only it may write there, the agent may read. */
export type Outbox = {
  /** What was said before; nothing where it is not known. */
  recall(): Promise<WhatWasSaid>
  /** Durable when resolved: first the files for the agent, then what was said. @throws BTZ_SPOOL_FULL BTZ_DATA_LOCKED BTZ_DATA_UNWRITABLE BTZ_DISK_FULL */
  say(files: readonly string[], after: WhatWasSaid): Promise<void>
  close(): Promise<void>
}

const maxWaiting = 1_000
const folderMode = 0o750
const stateFile = 'said.json'

const notOurs = (folder: string): BartizanError =>
  new BartizanError('BTZ_DATA_UNWRITABLE', `${folder} is not a folder that only this user can write`, {
    hint: 'remove it, and run this again as root',
  })

/**
 * The data folder belongs to the agent's user, whom root does not trust: what is opened is looked at, and all else goes
 * through the open folder, whatever its name leads to by then.
 */
const openFolder = async (data: string): Promise<FileHandle> => {
  const folder = join(data, 'posture')
  const { gid } = await stat(join(data, 'agent')).catch((cause) => {
    throw new BartizanError('BTZ_NOT_RUNNING', `no agent has run on ${data}`, {
      hint: 'start the agent once, and name its data folder with BARTIZAN_DATA or --config',
      cause,
    })
  })
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw diskError(error, folder)
  })
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(() => {
    throw notOurs(folder)
  })
  const seen = await handle.stat()
  const { uid, mode } = seen
  if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) {
    await handle.close()
    throw notOurs(folder)
  }
  // Where the package has made it like this, no right to change owners is needed.
  if (seen.gid !== gid) await handle.chown(uid, gid)
  if ((mode & 0o777) !== folderMode) await handle.chmod(folderMode)
  return handle
}

/** What the agent has taken, by its own word: it only decides what of ours is kept. */
const takenBy = async (data: string): Promise<number> => {
  const look = await createLook(data)
  const read = await look.text('agent/posture.json', 4_096)
  if (!read.ok) return 0
  try {
    return Taken.parse(JSON.parse(read.value.text)).lastFile
  } catch {
    return 0
  }
}

/** @throws BTZ_NOT_RUNNING BTZ_DATA_UNWRITABLE */
export const openOutbox = async (data: string): Promise<Outbox> => {
  const handle = await openFolder(data)
  const inside = (name: string) => `/proc/self/fd/${handle.fd}/${name}`

  const write = async (name: string, content: string): Promise<string> => {
    const draft = inside(`${name}.${process.pid}.new`)
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    return draft
  }
  const leave = async (number: number, content: string): Promise<void> => {
    const draft = await write(nameOf(number), content)
    try {
      const { gid } = await handle.stat()
      if ((await stat(draft)).gid !== gid) await chown(draft, process.geteuid!(), gid)
      await chmod(draft, 0o640)
      await link(draft, inside(nameOf(number))) // unlike rename, it never replaces
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
      throw new BartizanError('BTZ_DATA_LOCKED', 'another run of `bartizan posture --send` goes on')
    } finally {
      await rm(draft, { force: true })
    }
  }
  const waiting = async (): Promise<number[]> => {
    const taken = await takenBy(data)
    const numbers = numbersOf(await readdir(inside('')))
    for (const number of numbers.filter((each) => each <= taken)) await rm(inside(nameOf(number)), { force: true })
    return numbers.filter((each) => each > taken)
  }
  const sayAll = async (files: readonly string[], after: WhatWasSaid): Promise<void> => {
    const present = await waiting()
    if (present.length + files.length > maxWaiting) {
      throw new BartizanError('BTZ_SPOOL_FULL', `${present.length} files of facts wait for the agent`, {
        hint: 'start the agent: it takes them within seconds',
      })
    }
    // By the clock, so that numbers go on growing where what was said is lost; never back with it.
    const first = Math.max(Date.now(), after.lastFile + 1, (present.at(-1) ?? 0) + 1, (await takenBy(data)) + 1)
    for (const [index, content] of files.entries()) await leave(first + index, content)
    await handle.sync()
    const lastFile = files.length === 0 ? after.lastFile : first + files.length - 1
    await rename(await write(stateFile, JSON.stringify({ ...after, lastFile })), inside(stateFile))
    await handle.sync()
  }
  return {
    recall: async () => {
      const text = await readFile(inside(stateFile), 'utf8').catch(() => null)
      const state = text === null ? null : WhatWasSaid.safeParse(parsedJson(text))
      return state?.success ? state.data : nothingSaid
    },
    say: (files, after) =>
      sayAll(files, after).catch((error: unknown) => {
        throw diskError(error, join(data, 'posture'))
      }),
    close: () => handle.close(),
  }
}

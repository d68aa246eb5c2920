import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BartizanError, hasCode } from '#services/errors.ts'
import { acquireLock, type Lock } from '#services/lock/sqlite-lock.ts'
import { makeFolder } from '#services/make-folder.ts'

/** Where one running agent keeps its spool: the agent's folder itself, or one in it. */
export type Place = { folder: string; lock: Lock }

const most = 16
const beside = /^beside-\d{1,2}$/

/** Null: another process is there. */
const take = async (folder: string): Promise<Place | null> => {
  await makeFolder(folder)
  try {
    return { folder, lock: await acquireLock(join(folder, 'lock.db'), { pid: process.pid, what: 'bartizan agent' }) }
  } catch (error) {
    if (hasCode(error, 'BTZ_DATA_LOCKED')) return null
    throw error
  }
}

/**
 * The first place that nobody holds. `mayStandBeside`: an agent that drains keeps its spool until its last session has
 * ended, and this one begins beside it; otherwise there is one agent per folder.
 * @throws BTZ_DATA_LOCKED
 */
export const takePlace = async (folder: string, mayStandBeside: boolean): Promise<Place> => {
  if (!mayStandBeside) {
    await makeFolder(folder)
    return { folder, lock: await acquireLock(join(folder, 'lock.db'), { pid: process.pid, what: 'bartizan agent' }) }
  }
  for (let n = 1; n <= most; n++) {
    const place = await take(n === 1 ? folder : join(folder, `beside-${n}`))
    if (place) return place
  }
  throw new BartizanError('BTZ_DATA_LOCKED', `${most} agents that drain have their spools in ${folder}`, {
    hint: 'end the oldest of them: its sessions have outlived all these restarts',
  })
}

/** Places other than ours that still hold a spool, and that nobody holds now: one after the other, locked. */
export async function* takeLeftPlaces(folder: string, own: Pick<Place, 'folder'>): AsyncGenerator<Place> {
  const names = (await readdir(folder)).filter((name) => beside.test(name))
  // Never ours: closing any descriptor of our own lock's file would open that lock (fcntl(2)).
  const others = [folder, ...names.map((name) => join(folder, name))].filter((each) => each !== own.folder)
  for (const other of others.filter((each) => existsSync(join(each, 'spool')))) {
    const place = await take(other)
    if (place) yield place
  }
}

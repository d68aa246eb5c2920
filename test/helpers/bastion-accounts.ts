import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, copyFile, readdir, readFile, rename, rm } from 'node:fs/promises'
import { promisify } from 'node:util'

import type { Teardown } from './temporary-folder.ts'

const execute = promisify(execFile)

/** What a child printed is the reason; the passwd files are locked while another test changes them: tried again. */
const change = async (program: string, ...args: string[]): Promise<string> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await execute(program, args)).stdout
    } catch (error) {
      if (attempt > 100 || !/lock|try again/.test((error as Error).message)) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Process ids of a user. */
export const processesOf = async (uid: number): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const owned = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
      return new RegExp(`^Uid:\\s+${uid}\\s`, 'm').test(status)
    }),
  )
  return pids.filter((_, at) => owned[at]).map(Number)
}

const killAllOf = async (uid: number): Promise<void> => {
  for (const pid of await processesOf(uid)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {} // it ended by itself
  }
}

export type Account = { name: string; uid: number; gid: number; home: string }
export type Accounts = { group: string; users: Account[]; installSudoers(draft: string): Promise<void> }

const addUser = async (name: string, shell: string, group: string | null): Promise<Account> => {
  await change('useradd', '-m', '-s', shell, ...(group ? ['-G', group] : []), name)
  const entry = (await change('getent', 'passwd', name)).trim().split(':')
  return { name, uid: Number(entry[2]), gid: Number(entry[3]), home: entry[5]! }
}

/**
 * A group and users of this test's own, and room for one sudoers drop-in. All of it, and every process of the users,
 * is gone after the test, also after a failed one.
 */
export const createAccounts = async (
  t: Teardown,
  options: { recorded: number; shell: string; outsiders: number },
): Promise<Accounts & { outsiders: Account[] }> => {
  const group = `btz${process.pid.toString(36)}${randomBytes(3).toString('hex')}`
  const dropIn = `/etc/sudoers.d/bartizan-test-${group}`
  const made: Account[] = []
  t.teardown(async () => {
    await rm(dropIn, { force: true })
    await rm(`${dropIn}.new`, { force: true })
    for (const { uid, name } of made) {
      await killAllOf(uid)
      await change('userdel', '-r', '-f', name).catch(() => '')
    }
    await change('groupdel', group)
  })
  await change('groupadd', group)
  const add = async (name: string, shell: string, inGroup: string | null): Promise<Account> => {
    const account = await addUser(name, shell, inGroup)
    made.push(account)
    return account
  }
  const users: Account[] = []
  const outsiders: Account[] = []
  for (let n = 0; n < options.recorded; n++) users.push(await add(`${group}-${n}`, options.shell, group))
  for (let n = 0; n < options.outsiders; n++) outsiders.push(await add(`${group}-x${n}`, '/bin/bash', null))
  return {
    group,
    users,
    outsiders,
    installSudoers: async (draft) => {
      await change('visudo', '-c', '-q', '-f', draft)
      await copyFile(draft, `${dropIn}.new`) // sudo reads no name with a dot
      await chmod(`${dropIn}.new`, 0o440)
      await rename(`${dropIn}.new`, dropIn)
    },
  }
}

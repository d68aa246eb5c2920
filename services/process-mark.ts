import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'

/**
 * Names of files that belong to a process only while it lives. A pid alone would be fooled by its reuse: the start
 * time (field 22 of /proc/<pid>/stat, proc_pid_stat(5)) stands beside it.
 */
const markPattern = /^(\d{1,10})-(\d{1,20})-[0-9a-f-]{36}$/

const startOf = async (pid: number): Promise<string | null> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  // The command name, in parentheses, may hold blanks and parentheses itself: count from the last one.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
}

const ownStart = startOf(process.pid)

/** A new name that no other process uses. */
export const markedName = async (): Promise<string> => `${process.pid}-${(await ownStart) ?? 0}-${randomUUID()}`

const isAbandoned = async (name: string): Promise<boolean> => {
  const [, pid, start] = markPattern.exec(name) ?? []
  return pid !== undefined && start !== undefined && (await startOf(Number(pid))) !== start
}

/** Marked names in `folder` whose process is gone. Whatever else lies there is not ours and is left alone. */
export const abandonedNames = async (folder: string): Promise<string[]> => {
  const abandoned: string[] = []
  for (const name of await readdir(folder)) if (await isAbandoned(name)) abandoned.push(name)
  return abandoned
}

import { readFile, stat } from 'node:fs/promises'

/** Names of user ids by passwd(5), read again when it changes. Users of a directory service are not in it. */
export const createUserNames = (file = '/etc/passwd') => {
  let names = new Map<number, string>()
  let readMs = Number.NaN
  return {
    nameOf: (uid: number): string | null => names.get(uid) ?? null,
    refresh: async (): Promise<void> => {
      const changedMs = await stat(file)
        .then(({ mtimeMs }) => mtimeMs)
        .catch(() => Number.NaN)
      if (Number.isNaN(changedMs) || changedMs === readMs) return
      const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.split(':'))
      // The first of several names of one id counts, as for getpwuid(3).
      names = new Map(
        lines
          .filter((words) => words.length > 6)
          .map((words) => [Number(words[2]), words[0]!] as const)
          .reverse(),
      )
      readMs = changedMs
    },
  }
}
export type UserNames = Pick<ReturnType<typeof createUserNames>, 'nameOf'>

import { acquireLock } from '#services/lock/sqlite-lock.ts'

/** Takes the lock, says so, and holds it until it is killed; or says why it could not. */
const [file, what] = process.argv.slice(2) as [string, string]
try {
  await acquireLock(file, { pid: process.pid, what })
  process.stdout.write('held\n')
  setInterval(() => {}, 60_000)
} catch (error) {
  process.stdout.write(`${(error as { code: string }).code}: ${(error as Error).message}\n`)
}

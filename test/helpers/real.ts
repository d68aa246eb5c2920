import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import type { Implementation, TestFn } from 'ava'

const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`.split(':')
const isInstalled = (program: string): boolean =>
  path.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** Which of these is not there ('root' = this process does not run as root), as a reason to skip; null: all there. */
export const missing = (...programs: string[]): string | null => {
  const absent = programs.filter((program) => (program === 'root' ? process.getuid?.() !== 0 : !isInstalled(program)))
  return absent.length > 0 ? `needs ${absent.join(', ')}` : null
}

/**
 * A test on real components: skipped, with the reason in its title, where one is missing. With BARTIZAN_REQUIRE_REAL=1
 * (continuous integration) it fails instead.
 */
export const realTest = (
  test: Pick<TestFn, 'serial'>,
  programs: string[],
  title: string,
  body: Implementation<[]>,
): void => {
  const reason = missing(...programs)
  if (reason === null) test.serial(title, body)
  else if (process.env.BARTIZAN_REQUIRE_REAL === '1') test.serial(title, (t) => t.fail(reason))
  else test.serial.skip(`${title} (${reason})`, body)
}

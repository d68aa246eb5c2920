import type { Session } from './api.ts'
import { visible } from './visible.ts'

/** What was asked for: behind the recording wrapper (hooks/sudo/setup), which sudo starts as `bash WRAPPER --recorded PID`. */
export const startedAs = ({ argv }: Session): string => {
  if (argv[2] !== '--recorded') return visible(argv.join(' '))
  return visible(argv[4] ?? 'login shell')
}

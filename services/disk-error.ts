import { BartizanError, type ErrorCode } from './errors.ts'

/** errno of a failed system call, as Node names it: ENOENT, ENOSPC, … */
export const systemCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code

const diskCodes: Record<string, ErrorCode> = {
  ENOSPC: 'BTZ_DISK_FULL',
  EDQUOT: 'BTZ_DISK_FULL',
  EROFS: 'BTZ_DATA_UNWRITABLE',
  EACCES: 'BTZ_DATA_UNWRITABLE',
  EPERM: 'BTZ_DATA_UNWRITABLE',
}

/** What the system says about a full or unwritable disk, in our words; any other error as it is. */
export const diskError = (cause: unknown, what: string): unknown => {
  const code = diskCodes[systemCode(cause) ?? '']
  if (!code) return cause
  const hint = code === 'BTZ_DISK_FULL' ? { hint: 'free space on this disk; what was acknowledged is safe' } : {}
  return new BartizanError(code, `${what}: ${(cause as Error).message}`, { cause, ...hint })
}

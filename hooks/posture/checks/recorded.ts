import { shellName } from '../read/accounts.ts'
import { type Sshd, setting } from '../read/sshd.ts'

const recorders = /^(?:bartizan-[a-z][a-z-]{0,31}|tlog-rec-session)$/

export const isRecorder = (program: string): boolean => recorders.test(shellName(program))

/** The program that sshd forces on this user; the first word is what counts. */
export const forcedProgram = (sshd: Sshd): string => setting(sshd, 'forcecommand').split(/\s/, 1)[0]!

import { readFile } from 'node:fs/promises'

/**
 * Whether the process that makes a recording still runs. tlog's log has no end; but tlog names a recording by boot id,
 * process id and start time (clock ticks since boot, all in hex). `unknown`: another machine, or another boot of this.
 */
export type ProcessState = 'runs' | 'gone' | 'unknown'

const recForm = /^([0-9a-f]{32})-([0-9a-f]{1,8})-([0-9a-f]{1,16})$/
const startTimeField = 19 // proc_pid_stat(5): starttime is field 22, and the state, the first behind the name, is field 3

export const processOf = (rec: string): { bootId: string; pid: number; startTicks: string } | null => {
  const match = recForm.exec(rec)
  if (match === null) return null
  return { bootId: match[1]!, pid: Number.parseInt(match[2]!, 16), startTicks: BigInt(`0x${match[3]}`).toString() }
}

const textOf = (file: string): Promise<string | null> => readFile(file, 'utf8').catch(() => null)

export const createProcessLook = (procFolder = '/proc') => {
  let boot: Promise<string | null> | null = null
  const bootId = async (): Promise<string | null> => {
    boot ??= textOf(`${procFolder}/sys/kernel/random/boot_id`)
    return (await boot)?.trim().replaceAll('-', '') ?? null
  }
  return async (rec: string): Promise<ProcessState> => {
    const named = processOf(rec)
    if (named === null || named.bootId !== (await bootId())) return 'unknown'
    const stat = await textOf(`${procFolder}/${named.pid}/stat`)
    if (stat === null) return 'gone'
    // A program's name may hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[startTimeField] === named.startTicks ? 'runs' : 'gone'
  }
}
export type ProcessLook = ReturnType<typeof createProcessLook>

import { readdir, readFile, writeFile } from 'node:fs/promises'
import type { Engine } from '../../scripts/engines/engine.ts'

/** What the processes of an engine used: a launcher, a server and their threads count as one. */
export type Cost = { cpuSeconds: number; peakMB: number }

export type Running = Pick<Engine, 'processes'>

const ticksPerSecond = 100 // USER_HZ of Linux on every architecture that Node runs on

/** proc(5), stat: after the name in brackets come state, parent, process group, … */
const fieldsOf = async (pid: string | number): Promise<string[]> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

const membersOf = async (groups: number[]): Promise<{ pid: string; fields: string[] }[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const all = await Promise.all(pids.map(async (pid) => ({ pid, fields: await fieldsOf(pid) })))
  return all.filter(({ fields }) => groups.includes(Number(fields[2])))
}

/** MB; 0 once it has ended. */
export const peakOf = async (pid: string): Promise<number> => {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024
}

const groupsOf = (engine: Running): number[] => engine.processes().map(({ pid }) => pid)

/** Since it was started. Children that have ended are included. */
const costOf = async (engine: Running): Promise<Cost> => {
  const members = await membersOf(groupsOf(engine))
  const ticks = members.flatMap(({ fields }) => fields.slice(11, 15).map(Number)).reduce((sum, part) => sum + part, 0)
  const peaks = await Promise.all(members.map(({ pid }) => peakOf(pid)))
  return { cpuSeconds: ticks / ticksPerSecond, peakMB: Math.round(peaks.reduce((sum, peak) => sum + peak, 0)) }
}

/** From here on peak memory is that of what follows (proc(5), clear_refs, 5; without the right to do so it stays). */
const forgetPeak = async (engine: Running): Promise<void> => {
  for (const { pid } of await membersOf(groupsOf(engine)))
    await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => {})
}

export type Parts = Record<string, Running>

/** Measures from now until the returned function is called. */
export const measureCost = async (parts: Parts): Promise<() => Promise<Record<string, Cost>>> => {
  await Promise.all(Object.values(parts).map(forgetPeak))
  const each = async (): Promise<[string, Cost][]> =>
    Promise.all(Object.entries(parts).map(async ([name, engine]) => [name, await costOf(engine)] as [string, Cost]))
  const before = Object.fromEntries(await each())
  return async () =>
    Object.fromEntries(
      (await each()).map(([name, { cpuSeconds, peakMB }]) => [
        name,
        { cpuSeconds: cpuSeconds - before[name]!.cpuSeconds, peakMB },
      ]),
    )
}

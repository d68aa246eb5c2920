import { appendFile, readFile } from 'node:fs/promises'
import { loadavg } from 'node:os'

/** One measurement: what was measured is its key, so that a run that was broken off goes on where it was. */
export type Key = { stage: string; pipeline: string; round: string; size: number }
export type Result<T extends object = Record<string, unknown>> = Key & T & { load: number }

export type Results = {
  file: string
  find(key: Key): Result | undefined
  add(key: Key, measured: object): Promise<Result>
}

const isSame = (a: Key, b: Key): boolean =>
  a.stage === b.stage && a.pipeline === b.pipeline && a.round === b.round && a.size === b.size

/** JSON lines in a file and on standard output. */
export const openResults = async (file: string): Promise<Results> => {
  const text = await readFile(file, 'utf8').catch(() => '')
  const all = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Result)
  return {
    file,
    find: (key) => all.find((result) => isSame(result, key)),
    add: async (key, measured) => {
      const result: Result = { ...key, ...measured, load: Number(loadavg()[0]!.toFixed(1)) }
      const line = JSON.stringify(result)
      await appendFile(file, `${line}\n`)
      process.stdout.write(`${line}\n`)
      all.push(result)
      return result
    },
  }
}

export const median = (numbers: number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const rounded = (number: number, digits = 2): number => Number(number.toFixed(digits))

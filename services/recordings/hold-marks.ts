import { open, readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { systemCode } from '../disk-error.ts'

/**
 * Whether `<name>` is held = what the highest of the empty files `<name>@hold-<number, 8 digits>-<on|off>` beside it says.
 * Each is one directory entry, made at once or not at all, and nothing but a disposal removes one: no crash and no race
 * leaves half a hold, and how often something was held can be seen. `@` stands in no key.
 */
const markPattern = /^([^@]{1,200})@hold-(\d{8})-(on|off)$/

export type HoldMark = { name: string; number: number; on: boolean }

export const parseHoldMark = (entry: string): HoldMark | null => {
  const [, name, digits, state] = markPattern.exec(entry) ?? []
  return name === undefined ? null : { name, number: Number(digits), on: state === 'on' }
}

export const holdMarkFile = (file: string, { number, on }: Pick<HoldMark, 'number' | 'on'>): string =>
  `${file}@hold-${String(number).padStart(8, '0')}-${on ? 'on' : 'off'}`

/** Of two marks with one number, made by two processes at once, the hold counts: nothing is let go by a race. */
const latest = (marks: readonly HoldMark[]): HoldMark | null =>
  marks.reduce<HoldMark | null>((a, b) => {
    if (a === null || b.number > a.number) return b
    return b.number === a.number && b.on ? b : a
  }, null)

const marksOf = async (file: string): Promise<HoldMark[]> =>
  (await readdir(dirname(file))).map(parseHoldMark).filter((mark): mark is HoldMark => mark?.name === basename(file))

/** Null: it was never held. */
export const lastHoldMark = async (file: string): Promise<HoldMark | null> => latest(await marksOf(file))

/** Durable only after the folder is synced. @returns its file */
export const addHoldMark = async (file: string, last: HoldMark | null, on: boolean): Promise<string> => {
  const mark = holdMarkFile(file, { number: (last?.number ?? 0) + 1, on })
  try {
    await (await open(mark, 'wx', 0o444)).close()
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
  return mark
}

import { open, readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { systemCode } from '../disk-error.ts'

/**
 * Retain-until of `<name>` = the latest of the empty files `<name>@retain-<Unix ms, 16 digits>` beside it. A date is one
 * directory entry, made at once or not at all, and nothing removes one: no crash and no race can shorten it.
 * `@` stands in no key, so a mark never hides or imitates evidence.
 */
const markPattern = /^([^@]{1,200})@retain-(\d{16})$/

export type RetentionMark = { name: string; untilMs: number }

export const parseMark = (entry: string): RetentionMark | null => {
  const [, name, digits] = markPattern.exec(entry) ?? []
  return name === undefined ? null : { name, untilMs: Number(digits) }
}

export const markFile = (file: string, untilMs: number): string => `${file}@retain-${String(untilMs).padStart(16, '0')}`

/** @throws RangeError when it is not a date from 1970 on */
export const untilMsOf = (date: Date): number => {
  const ms = date.getTime()
  if (!(ms >= 0)) throw new RangeError('retainUntil is not a date from 1970 on')
  return ms
}

/** Adds a date. Durable only after the folder is synced. */
export const addMark = async (file: string, untilMs: number): Promise<void> => {
  try {
    await (await open(markFile(file, untilMs), 'wx', 0o444)).close()
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
}

/** All dates ever set for the file, in ms. */
export const marksOf = async (file: string): Promise<number[]> =>
  (await readdir(dirname(file)))
    .map(parseMark)
    .filter((mark) => mark?.name === basename(file))
    .map((mark) => mark!.untilMs)

export const latestOf = (untilMs: number[]): Date | null =>
  untilMs.length === 0 ? null : new Date(untilMs.reduce((latest, ms) => Math.max(latest, ms)))

import { BartizanError } from '../errors.ts'

/** All evidence, of every format: also where a store of files keeps what it works with. */
export const evidenceFolder = 'evidence'
/** One root per format of evidence. Those of the older ones are not written to any more once their sessions have ended. */
export const evidenceRoots = ['evidence/v0', 'evidence/v1'] as const
/** The transparency log stands beside the evidence that it is about. */
const logRoot = 'log/v1'
export const keyRoots: readonly string[] = [...evidenceRoots, logRoot]
const maxKeyLength = 900
const segment = /^[A-Za-z0-9._-]{1,200}$/

export const isSegment = (text: string): boolean => segment.test(text) && text !== '.' && text !== '..'

export const isKey = (key: string): boolean =>
  key.length <= maxKeyLength && keyRoots.some((root) => key.startsWith(`${root}/`)) && key.split('/').every(isSegment)

/** @throws BTZ_RECORDING_KEY_INVALID */
export const checkKey = (key: string): void => {
  if (isKey(key)) return
  const shown = JSON.stringify(key.slice(0, 100))
  throw new BartizanError('BTZ_RECORDING_KEY_INVALID', `${shown} is not an evidence key`, {
    hint: `keys are ${keyRoots.join('/… or ')}/… of segments of A-Z a-z 0-9 . _ - , each at most 200 and all at most 900 characters`,
  })
}

/**
 * The deepest folders that hold all keys with this prefix, in key order; none when no key can have it. A prefix of all
 * roots is one of evidence.
 */
export const foldersOfPrefix = (prefix: string): string[] => {
  const evidence = evidenceRoots.filter((root) => `${root}/`.startsWith(prefix))
  if (evidence.length > 0) return evidence
  if (`${logRoot}/`.startsWith(prefix)) return [logRoot]
  if (prefix.length > maxKeyLength || !keyRoots.some((root) => prefix.startsWith(`${root}/`))) return []
  const folder = prefix.slice(0, prefix.lastIndexOf('/'))
  return folder.split('/').every(isSegment) ? [folder] : []
}

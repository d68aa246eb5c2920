import { BartizanError } from '../errors.ts'

export const keyRoot = 'evidence/v0'
/** The transparency log stands beside the evidence that it is about. */
const logRoot = 'log/v1'
/** From the format that was frozen on: keys are never used for anything else again. */
const frozenRoot = 'evidence/v1'
export const keyRoots: readonly string[] = [keyRoot, frozenRoot, logRoot]
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

/** The deepest folder that holds every key with this prefix, or null when no key can have it. A prefix of both roots is one of evidence. */
export const folderOfPrefix = (prefix: string): string | null => {
  const above = keyRoots.find((root) => `${root}/`.startsWith(prefix))
  if (above !== undefined) return above
  if (prefix.length > maxKeyLength || !keyRoots.some((root) => prefix.startsWith(`${root}/`))) return null
  const folder = prefix.slice(0, prefix.lastIndexOf('/'))
  return folder.split('/').every(isSegment) ? folder : null
}

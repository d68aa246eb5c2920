import { BartizanError } from '../errors.ts'

export const keyRoot = 'evidence/v0'
const maxKeyLength = 900
const segment = /^[A-Za-z0-9._-]{1,200}$/

export const isSegment = (text: string): boolean => segment.test(text) && text !== '.' && text !== '..'

export const isKey = (key: string): boolean =>
  key.length <= maxKeyLength && key.startsWith(`${keyRoot}/`) && key.split('/').every(isSegment)

/** @throws BTZ_RECORDING_KEY_INVALID */
export const checkKey = (key: string): void => {
  if (isKey(key)) return
  const shown = JSON.stringify(key.slice(0, 100))
  throw new BartizanError('BTZ_RECORDING_KEY_INVALID', `${shown} is not an evidence key`, {
    hint: `keys are ${keyRoot}/… of segments of A-Z a-z 0-9 . _ - , each at most 200 and all at most 900 characters`,
  })
}

/** The deepest folder that holds every key with this prefix, or null when no key can have it. */
export const folderOfPrefix = (prefix: string): string | null => {
  if (`${keyRoot}/`.startsWith(prefix)) return keyRoot
  if (prefix.length > maxKeyLength || !prefix.startsWith(`${keyRoot}/`)) return null
  const folder = prefix.slice(0, prefix.lastIndexOf('/'))
  return folder.split('/').every(isSegment) ? folder : null
}

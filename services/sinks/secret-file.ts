import { readFile, stat } from 'node:fs/promises'
import { BartizanError } from '../errors.ts'

const maxBytes = 64 * 1024

/** A secret of a destination, without the newline at its end. Its content stands in no message. @throws BTZ_CONFIG_INVALID */
export const readSecret = async (sink: string, file: string): Promise<string> => {
  try {
    if ((await stat(file)).size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`)
    const secret = (await readFile(file, 'utf8')).trim()
    if (secret === '') throw new Error('it is empty')
    return secret
  } catch (cause) {
    const { message } = cause as Error
    throw new BartizanError('BTZ_CONFIG_INVALID', `sink ${sink}: ${file} cannot be used: ${message}`, { cause })
  }
}

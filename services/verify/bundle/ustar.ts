import { BartizanError } from '../../errors.ts'

/** Archives as POSIX.1-2017 pax, "ustar Interchange Format", has them: files only, each written the same way always. */

export const unitBytes = 512
const nameBytes = 100
const prefixBytes = 155
const maxFileBytes = 0o77777777777

export type Member = { name: string; sizeBytes: number }

const malformed = (why: string) => new BartizanError('BTZ_EVIDENCE_CORRUPT', `not a bundle as it is written: ${why}`)

/** A name that is too long for its field goes on in another, cut at a slash. */
const split = (name: string): { prefix: string; rest: string } => {
  if (name.length <= nameBytes) return { prefix: '', rest: name }
  const cut = name.indexOf('/', name.length - nameBytes - 1)
  if (cut > 0 && cut <= prefixBytes) return { prefix: name.slice(0, cut), rest: name.slice(cut + 1) }
  throw new RangeError(`${name}: too long for an archive`)
}

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`

const checksumOf = (header: Buffer): number => {
  const counted = Buffer.from(header)
  counted.fill(' ', 148, 156)
  return counted.reduce((sum, byte) => sum + byte, 0)
}

export const headerOf = ({ name, sizeBytes }: Member): Buffer => {
  if (sizeBytes > maxFileBytes || !/^[\x21-\x7e]+$/.test(name)) throw new RangeError(`${name}: not for an archive`)
  const { prefix, rest } = split(name)
  const header = Buffer.alloc(unitBytes)
  header.write(rest, 0, 'latin1')
  header.write(`${octal(0o644, 7)}${octal(0, 7)}${octal(0, 7)}${octal(sizeBytes, 11)}${octal(0, 11)}`, 100, 'latin1')
  header.write('0', 156, 'latin1') // a regular file
  header.write('ustar\x0000', 257, 'latin1')
  header.write(prefix, 345, 'latin1')
  header.write(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** After a file's bytes, so that the next header begins at a whole unit. */
export const paddingOf = (sizeBytes: number): Buffer => Buffer.alloc((unitBytes - (sizeBytes % unitBytes)) % unitBytes)
export const endOfArchive = (): Buffer => Buffer.alloc(2 * unitBytes)

const textAt = (header: Buffer, start: number, length: number): string =>
  header.toString('latin1', start, start + length).replace(/\0*$/, '')

/** Null: the end. @throws BTZ_EVIDENCE_CORRUPT unless every byte is as headerOf writes it */
const readHeader = (header: Buffer): Member | null => {
  if (header.every((byte) => byte === 0)) return null
  const prefix = textAt(header, 345, prefixBytes)
  const rest = textAt(header, 0, nameBytes)
  const name = prefix === '' ? rest : `${prefix}/${rest}`
  const size = textAt(header, 124, 12)
  if (!/^[0-7]{11}$/.test(size) || !/^[\x21-\x7e]{1,255}$/.test(name)) throw malformed('a header that is none')
  const member = { name, sizeBytes: Number.parseInt(size, 8) }
  let expected: Buffer
  try {
    expected = headerOf(member)
  } catch (cause) {
    throw malformed(`${name}: ${(cause as Error).message}`)
  }
  if (!header.equals(expected)) throw malformed(`the header of ${name} has fields that a bundle does not have`)
  return member
}

/** Bytes by number out of pieces of any size; memory holds one piece and what is asked for. */
const createPieces = (pieces: AsyncIterable<Uint8Array>) => {
  const source = pieces[Symbol.asyncIterator]()
  let held = Buffer.alloc(0)
  return async (length: number): Promise<Buffer> => {
    const parts: Buffer[] = [held]
    let sum = held.byteLength
    while (sum < length) {
      const { value, done } = await source.next()
      if (done) break
      parts.push(Buffer.from(value))
      sum += value.byteLength
    }
    const all = parts.length === 1 ? held : Buffer.concat(parts)
    held = all.subarray(length)
    return all.subarray(0, length)
  }
}

/**
 * The files of an archive, one after another, each as a whole.
 * @throws BTZ_EVIDENCE_CORRUPT when it is cut, holds a file larger than `maxBytes`, or has a byte that nobody wrote
 */
export async function* readMembers(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Member & { bytes: Buffer }> {
  const take = createPieces(pieces)
  const whole = async (length: number, what: string): Promise<Buffer> => {
    const bytes = await take(length)
    if (bytes.byteLength === length) return bytes
    throw malformed(`it ends in the middle of ${what}`)
  }
  while (true) {
    const member = readHeader(await whole(unitBytes, 'a header'))
    if (member === null) break
    if (member.sizeBytes > maxBytes) throw malformed(`${member.name}: ${member.sizeBytes} bytes`)
    const bytes = await whole(member.sizeBytes, member.name)
    const padding = paddingOf(member.sizeBytes)
    if (!(await whole(padding.byteLength, member.name)).equals(padding)) throw malformed(`bytes after ${member.name}`)
    yield { ...member, bytes }
  }
  if (!(await whole(unitBytes, 'its end')).every((byte) => byte === 0)) throw malformed('its end is none')
  if ((await take(1)).byteLength > 0) throw malformed('it goes on after its end')
}

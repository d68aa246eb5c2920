/** What happens at a terminal: bytes typed or shown, or a resize, so long after the step before. */
export type Step = { delayMs: number; in?: Uint8Array; out?: Uint8Array; rows?: number; cols?: number }

export const bytes = (text: string): Uint8Array => Buffer.from(text)

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lengthBy = (lead: number): number => (lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4)
/** Bytes of the character at `at`; 0: it is none. */
const validLength = (data: Uint8Array, at: number): number => {
  const length = lengthBy(data[at]!)
  const rest = data.subarray(at + 1, at + length)
  if (rest.length !== length - 1 || rest.some((byte) => byte >> 6 !== 2)) return 0
  try {
    decoder.decode(data.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}

/** Bytes as tlog writes them: characters as text, a run of anything else as one replacement character and its bytes. */
const written = (data: Uint8Array) => {
  const parts: ({ text: string } | { invalid: number[] })[] = []
  for (let at = 0; at < data.length; ) {
    const length = validLength(data, at)
    const last = parts.at(-1)
    if (length > 0) {
      const character = decoder.decode(data.subarray(at, at + length))
      if (last && 'text' in last) last.text += character
      else parts.push({ text: character })
    } else if (last && 'invalid' in last) last.invalid.push(data[at]!)
    else parts.push({ invalid: [data[at]!] })
    at += Math.max(1, length)
  }
  return parts
}

export type MessageFields = Record<string, unknown>

/** One message of tlog 2.3 with these steps. */
export const messageOf = (steps: readonly Step[], more: MessageFields = {}): MessageFields => {
  const message = { timing: '', in_txt: '', in_bin: [] as number[], out_txt: '', out_bin: [] as number[] }
  const add = (data: Uint8Array, way: 'in' | 'out'): void => {
    const [mark, open] = way === 'in' ? ['<', '['] : ['>', ']']
    for (const part of written(data)) {
      if ('text' in part) {
        message.timing += `${mark}${[...part.text].length}`
        message[`${way}_txt`] += part.text
      } else {
        message.timing += `${open}1/${part.invalid.length}`
        message[`${way}_txt`] += '\ufffd'
        message[`${way}_bin`].push(...part.invalid)
      }
    }
  }
  for (const step of steps) {
    if (step.delayMs > 0) message.timing += `+${step.delayMs}`
    if (step.cols !== undefined) message.timing += `=${step.cols}x${step.rows}`
    if (step.in) add(step.in, 'in')
    if (step.out) add(step.out, 'out')
  }
  return {
    ver: '2.3',
    host: 'vm',
    rec: '30c2c00516a54ad1951bd08ddd729637-64ce-32c2c',
    user: 'alice',
    term: 'xterm',
    session: 0xffff_ffff,
    id: 1,
    pos: 0,
    time: 1_795_217_394.5,
    ...message,
    ...more,
  }
}
export const lineOf = (steps: readonly Step[], more: MessageFields = {}): string =>
  JSON.stringify(messageOf(steps, more))

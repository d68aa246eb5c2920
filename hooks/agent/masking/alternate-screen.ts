/** Follows DECSET 47, 1047 and 1049 through the output, also where a sequence is cut by a frame border. */
export type AlternateScreen = { see(output: Uint8Array): void; readonly active: boolean }

const introducer = '\x1b[?'
const longestSequence = 40 // ESC [ ? 1049;2004;… h
const mode = /^\x1b\[\?([0-9;]{1,32})([hl])/

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const switched = (sequence: string): boolean | null => {
  const found = mode.exec(sequence)
  if (!found) return null
  const names = found[1]!.split(';')
  return names.some((name) => name === '1049' || name === '1047' || name === '47') ? found[2] === 'h' : null
}

/** The start of a sequence at the very end of the output, to be read together with what comes next. */
const cutSequence = (data: Buffer): Buffer | null => {
  const from = data.lastIndexOf(0x1b)
  if (from < 0 || from < data.length - longestSequence) return null
  return /^\x1b(?:\[(?:\?[0-9;]{0,32})?)?$/.test(data.toString('latin1', from))
    ? Buffer.from(data.subarray(from))
    : null
}

export const createAlternateScreen = (): AlternateScreen => {
  let active = false
  let cut: Buffer | null = null

  const scan = (data: Buffer): void => {
    for (let at = data.indexOf(introducer, 0, 'latin1'); at >= 0; at = data.indexOf(introducer, at + 3, 'latin1')) {
      active = switched(data.toString('latin1', at, at + longestSequence)) ?? active
    }
  }

  return {
    see: (output) => {
      const data = cut ? Buffer.concat([cut, asBuffer(output)]) : asBuffer(output)
      scan(data)
      // Looked at from the end only: a flood costs no second pass.
      const tail = data.subarray(Math.max(0, data.length - longestSequence))
      cut = cutSequence(tail)
    },
    get active() {
      return active
    },
  }
}

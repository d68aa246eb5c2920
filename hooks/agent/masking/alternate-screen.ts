/** Follows DECSET 47, 1047 and 1049 through the output, also where a sequence is cut by a frame border. */
export type AlternateScreen = { see(output: Uint8Array): void; readonly active: boolean }

// As terminfo's smcup and rmcup write them. Searched for by `?`, which is rare where ESC and digits are not: a flood
// of screen updates must cost no more than one of text.
const switches = ['?1049', '?1047', '?47'].map((text) => Buffer.from(text, 'latin1'))
const sequence = /^\x1b\[\?(?:1049|1047|47)(?:;[0-9;]{1,32})?([hl])/
const longestSequence = 42
const cutSequence = /^\x1b(?:\[(?:\?[0-9;]{0,38})?)?$/
const endsCut = new Set(Buffer.from('\x1b[?;0123456789', 'latin1'))

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Where the last switch of this kind stands, and which way it goes. */
const lastSwitch = (data: Buffer, text: Buffer): { at: number; on: boolean } | null => {
  let found: { at: number; on: boolean } | null = null
  for (let at = data.indexOf(text); at >= 0; at = data.indexOf(text, at + text.length)) {
    const match = at < 2 ? null : sequence.exec(data.toString('latin1', at - 2, at + longestSequence))
    if (match) found = { at, on: match[1] === 'h' }
  }
  return found
}

/** A sequence that begins at the end of the output, to be read together with what comes next. */
const startOfCut = (data: Buffer): Buffer | null => {
  if (!endsCut.has(data.at(-1) ?? 0)) return null
  const tail = data.subarray(-longestSequence)
  const start = tail.subarray(Math.max(0, tail.lastIndexOf(0x1b)))
  return cutSequence.test(start.toString('latin1')) ? Buffer.from(start) : null
}

export const createAlternateScreen = (): AlternateScreen => {
  let active = false
  let cut: Buffer | null = null

  return {
    see: (output) => {
      const data = cut ? Buffer.concat([cut, asBuffer(output)]) : asBuffer(output)
      let last = -1
      for (const text of switches) {
        const found = lastSwitch(data, text)
        if (!found || found.at < last) continue
        last = found.at
        active = found.on
      }
      cut = startOfCut(data)
    },
    get active() {
      return active
    },
  }
}

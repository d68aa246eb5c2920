/** Follows DECSET 47, 1047 and 1049 through the output, also where a sequence is cut by a frame border. */
export type AlternateScreen = { see(output: Uint8Array): void; readonly active: boolean }

// As terminfo's smcup and rmcup write them. Searched for by `?`, which is rare where ESC and digits are not: a flood
// of screen updates must cost no more than one of text.
const switches = ['?1049', '?1047', '?47'].map((text) => Buffer.from(text, 'latin1'))
const sequence = /^\x1b\[\?(?:1049|1047|47)(?:;[0-9;]{1,32})?([hl])/
const longestSequence = 42
const cutSequence = /\x1b(?:\[(?:\?[0-9;]{0,38})?)?$/

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
      const tail = data.subarray(Math.max(0, data.length - longestSequence))
      const start = tail.includes(0x1b) ? cutSequence.exec(tail.toString('latin1')) : null
      cut = start ? Buffer.from(start[0], 'latin1') : null
    },
    get active() {
      return active
    },
  }
}

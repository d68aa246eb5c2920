/** A run of typed bytes that is decided as one. Control keys and key sequences are never masked. */
export type TypedPart = {
  kind: 'text' | 'control'
  bytes: Uint8Array
  endsLine: boolean
  paste?: 'starts' | 'ends'
}

// More parts than this in one frame is no typing: the frame is then decided as one text, or a hostile client could
// turn one frame of 2 MiB into a million.
const maxParts = 1024
const maxStringSequence = 512 // OSC and DCS: a terminal's answers to queries
const escapeByte = 0x1b
// ^C ^D LF CR ^Z ^\: what a program may take as the end of an answer
const lineEnds = new Set([0x03, 0x04, 0x0a, 0x0d, 0x1a, 0x1c])

const isText = (byte: number): boolean => byte >= 0x20 && byte !== 0x7f

const csiEnd = (data: Uint8Array, start: number): number => {
  // X10 mouse report: three raw bytes follow CSI M (xterm ctlseqs, "Normal tracking mode")
  if (data[start] === 0x4d && start + 4 <= data.length) return start + 4
  let at = start
  while (at < data.length && data[at]! >= 0x20 && data[at]! <= 0x3f) at++
  return at < data.length && data[at]! >= 0x40 && data[at]! <= 0x7e ? at + 1 : start
}

const stringEnd = (data: Uint8Array, start: number): number => {
  const limit = Math.min(data.length, start + maxStringSequence)
  for (let at = start; at < limit; at++) {
    if (data[at] === 0x07) return at + 1
    if (data[at] === escapeByte && data[at + 1] === 0x5c) return at + 2
  }
  return start // not closed in this frame: what follows may be typed text
}

const escapeEnd = (data: Uint8Array, at: number): number => {
  const next = data[at + 1]
  if (next === undefined || next === escapeByte) return at + 1
  if (next === 0x5b) return csiEnd(data, at + 2)
  if (next === 0x4f) return Math.min(data.length, at + 3)
  if (next === 0x5d || next === 0x50) return stringEnd(data, at + 2)
  let end = at + 2 // Alt and a key
  while (next >= 0xc0 && end < data.length && (data[end]! & 0xc0) === 0x80) end++
  return lineEnds.has(next) ? at + 1 : end
}

const pasteMark = (bytes: Uint8Array): TypedPart['paste'] => {
  const sequence = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (sequence === '\x1b[200~') return 'starts'
  return sequence === '\x1b[201~' ? 'ends' : undefined
}

const partEnd = (data: Uint8Array, at: number): number => {
  if (data[at] === escapeByte) return escapeEnd(data, at)
  let end = at + 1
  if (isText(data[at]!)) while (end < data.length && isText(data[end]!)) end++
  return end
}

const partAt = (data: Uint8Array, at: number): TypedPart => {
  const bytes = data.subarray(at, partEnd(data, at))
  const paste = bytes.length === 6 ? pasteMark(bytes) : undefined
  return {
    kind: isText(data[at]!) ? 'text' : 'control',
    bytes,
    endsLine: lineEnds.has(data[at]!),
    ...(paste && { paste }),
  }
}

export const splitTyped = (data: Uint8Array): TypedPart[] => {
  const parts: TypedPart[] = []
  for (let at = 0; at < data.length; at += parts.at(-1)!.bytes.length) {
    if (parts.length === maxParts) return [{ kind: 'text', bytes: data, endsLine: true }]
    parts.push(partAt(data, at))
  }
  return parts
}

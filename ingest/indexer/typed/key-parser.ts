import { noPartial, type PartialChar, takeByte } from './utf8.ts'

/** Bytes typed → keys. Nothing here depends on where a frame ends. */

export type Key =
  | { type: 'char'; char: string }
  | { type: 'enter' }
  | { type: 'edit'; edit: Edit }
  | { type: 'interrupt' } // Ctrl-C, Ctrl-Z, Ctrl-\
  | { type: 'endOfFile' }
  | { type: 'unclear' } // what it does shows only in the echo: history, completion, key bindings

export type Edit = 'left' | 'right' | 'home' | 'end' | 'backspace' | 'delete' | 'killLeft' | 'killRight' | 'killWord'

export type KeyParser = {
  phase: 'ground' | 'escape' | 'csi' | 'ss3' | 'string' | 'literal'
  params: string
  skip: number // bytes of a mouse report that follow
  pasting: boolean
  partial: PartialChar
}
export const newKeyParser = (): KeyParser => ({
  phase: 'ground',
  params: '',
  skip: 0,
  pasting: false,
  partial: noPartial(),
})

const maxParams = 32
const maxString = 1024 // an answer of the terminal

const edits: Record<number, Edit> = {
  1: 'home',
  2: 'left',
  5: 'end',
  6: 'right',
  8: 'backspace',
  11: 'killRight',
  21: 'killLeft',
  23: 'killWord',
  127: 'backspace',
}
const finals: Record<string, Edit> = { C: 'right', D: 'left', H: 'home', F: 'end' }
const tildes: Record<string, Edit> = { 1: 'home', 7: 'home', 4: 'end', 8: 'end', 3: 'delete' }
const unclear: Key = { type: 'unclear' }

const control = (parser: KeyParser, byte: number): Key | null => {
  if (byte === 13 || byte === 10) return parser.pasting ? { type: 'char', char: '\n' } : { type: 'enter' }
  if (parser.pasting) return byte === 9 ? { type: 'char', char: '\t' } : null
  if (byte === 3 || byte === 26 || byte === 28) return { type: 'interrupt' }
  if (byte === 4) return { type: 'endOfFile' }
  if (byte === 12 || byte === 0 || byte === 17 || byte === 19) return null // Ctrl-L; flow control
  if (byte === 22) {
    parser.phase = 'literal'
    return null
  }
  const edit = edits[byte]
  return edit ? { type: 'edit', edit } : unclear
}

/** Answers of the terminal (positions, attributes, focus, mouse) are no keys. */
const isReport = (params: string, final: string): boolean =>
  /^[?<>=]/.test(params) || 'cntyIOMm'.includes(final) || (final === 'R' && /^[0-9]+;[0-9]+$/.test(params))

const sequence = (parser: KeyParser, final: string): Key | null => {
  const { params } = parser
  if (final === '~' && (params === '200' || params === '201')) {
    parser.pasting = params === '200'
    return null
  }
  if (final === 'M' && params === '') parser.skip = 3
  if (isReport(params, final)) return null
  const edit = final === '~' ? tildes[params] : params === '' ? finals[final] : undefined
  return edit ? { type: 'edit', edit } : unclear
}

const afterEscape = (parser: KeyParser, byte: number): Key | null => {
  if (byte === 0x1b) return unclear
  const phase =
    byte === 0x5b ? 'csi' : byte === 0x4f ? 'ss3' : 'PX]^_'.includes(String.fromCharCode(byte)) ? 'string' : null
  parser.phase = phase ?? 'ground'
  parser.params = ''
  if (phase) return null
  return byte === 13 || byte === 10 || byte === 3 ? control(parser, byte) : unclear
}

const inSequence = (parser: KeyParser, byte: number): Key | null => {
  const char = String.fromCharCode(byte)
  if (byte < 0x20) {
    parser.phase = 'ground'
    return byte === 0x1b ? afterGround(parser, byte) : control(parser, byte)
  }
  if (parser.phase === 'csi' && (byte < 0x40 || (char === '[' && parser.params === ''))) {
    parser.params += char
    if (parser.params.length > maxParams) parser.phase = 'ground'
    return null
  }
  parser.phase = 'ground'
  return byte > 0x7e ? unclear : sequence(parser, char)
}

// A key that begins like an answer of the terminal (Alt-]) must not hide what is typed after it: Enter ends it.
const inString = (parser: KeyParser, byte: number): Key | null => {
  parser.params += ' '
  const ends = byte === 7 || byte === 0x1b || byte === 13 || byte === 10 || byte === 3
  if (ends || parser.params.length > maxString) parser.phase = byte === 0x1b ? 'escape' : 'ground'
  return byte === 13 || byte === 10 || byte === 3 ? control(parser, byte) : null
}

const afterGround = (parser: KeyParser, byte: number): Key | null => {
  if (byte === 0x1b) {
    parser.phase = 'escape'
    return null
  }
  if (byte < 0x20 || byte === 127) return control(parser, byte)
  if (byte < 0x80) return { type: 'char', char: String.fromCharCode(byte) }
  const char = takeByte(parser.partial, byte)
  return char === null ? null : { type: 'char', char }
}

const afterLiteral = (parser: KeyParser, byte: number): Key | null => {
  parser.phase = 'ground'
  if (byte === 9) return { type: 'char', char: '\t' }
  return byte < 0x20 || byte === 127 ? unclear : afterGround(parser, byte)
}

/** The key that this byte completes. */
export const keyOf = (parser: KeyParser, byte: number): Key | null => {
  if (parser.skip > 0) {
    parser.skip--
    return null
  }
  if (byte < 0x80) parser.partial.missing = 0
  switch (parser.phase) {
    case 'escape':
      return afterEscape(parser, byte)
    case 'csi':
    case 'ss3':
      return inSequence(parser, byte)
    case 'string':
      return inString(parser, byte)
    case 'literal':
      return afterLiteral(parser, byte)
    default:
      return afterGround(parser, byte)
  }
}

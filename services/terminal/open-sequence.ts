/** States of the parser of avt 0.16 (src/parser.rs), which are those of vt100.net/emu/dec_ansi_parser, in its order. */
const states = {
  ground: 0,
  escape: 1,
  escapeIntermediate: 2,
  csiEntry: 3,
  csiParam: 4,
  csiIntermediate: 5,
  csiIgnore: 6,
  oscString: 12,
  sosPmApcString: 13,
} as const

/**
 * What brings a parser that is between sequences into this state, as far as it matters: strings are not looked at, so
 * where in one it stands makes no difference.
 */
export const openSequence = (parser: { state: number; intermediate: string; parameters(): string }): string => {
  const { state, intermediate } = parser
  if (state === states.ground) return ''
  if (state === states.escape) return '\x1b'
  if (state === states.escapeIntermediate) return `\x1b${intermediate}`
  if (state === states.csiEntry) return '\x1b['
  if (state === states.csiParam) return `\x1b[${intermediate}${parser.parameters()}`
  if (state === states.csiIntermediate) return `\x1b[${parser.parameters()}${intermediate}`
  if (state === states.csiIgnore) return '\x1b[:'
  if (state === states.oscString) return '\x1b]'
  return state === states.sosPmApcString ? '\x1bX' : '\x1bP:'
}

// Control characters that have a picture in Unicode (U+2400…) are shown by it, so that nothing is lost from sight.
// The others, and what some readers take for a line end or which is no Unicode at all, become U+FFFD.
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g
const picture = (character: string): string => {
  const code = character.charCodeAt(0)
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return code === 0x7f ? '\u2421' : '\ufffd'
}

/** Text on one line without any control character, for formats that cannot escape them. */
export const visible = (text: string): string => text.toWellFormed().replace(controls, picture)
/** As `visible`; line feeds and carriage returns stay, for a format that escapes them itself. */
export const visibleLines = (text: string): string =>
  text
    .toWellFormed()
    .replace(controls, (character) => (character === '\n' || character === '\r' ? character : picture(character)))

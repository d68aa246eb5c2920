const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}]$/u
const halfWidth = /^[\uff61-\uffdc\uffe8-\uffee]$/u
const wide =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u

/** Columns a character takes on a terminal: 0, 1 or 2 (Unicode TR 11, as wcwidth(3) has it, without locales). */
export const charWidth = (char: string): 0 | 1 | 2 => {
  if (char < '\u0300') return 1
  if (zeroWidth.test(char)) return 0
  return wide.test(char) && !halfWidth.test(char) ? 2 : 1
}
